"""Rule figure_tangent_kernels: Lemmas 1 to 3 at finite width (W1)."""

from vaentk.experiments.ntk.tangent_kernels import figures as tangent_kernels
from vaentk.runtime import job

with job.running(snakemake) as task:
    initial, training = task.tables("initial"), task.tables("training")
    drawing = tangent_kernels.draw(initial, training, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
