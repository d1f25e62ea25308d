"""Rule figure_frozen_sigma: what training W_sigma changes, beside the kernel distance (X2)."""

from vaentk.experiments.ntk.frozen_sigma import figures as frozen_sigma
from vaentk.runtime import job

with job.running(snakemake) as task:
    curves, difference = task.tables("curves"), task.tables("difference")
    drawing = frozen_sigma.draw(curves, difference, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
