"""Rule figure_activations: eigenvalues, losses and late rates by activation (X1)."""

from vaentk.experiments.ntk.activations import figures as activations
from vaentk.runtime import job

with job.running(snakemake) as task:
    curves, members = task.tables("curves"), task.tables("members")
    drawing = activations.draw(curves, members, task.tables("agreement"), task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
