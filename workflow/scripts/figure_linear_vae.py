"""Rule figure_linear_vae: convergence of the gradient's norm (S1)."""

from vaentk.experiments.convergence.linear_vae import figures as linear_vae
from vaentk.runtime import job

with job.running(snakemake) as task:
    measured = [task.tables(name) for name in ("curves", "slopes")]
    drawing = linear_vae.draw(*measured, task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
