"""Rule figure_linear_vae_betas: betas compared, each with its own optimum (S1, S3)."""

from vaentk.experiments.convergence.linear_vae import figure_betas as linear_vae_betas
from vaentk.runtime import job

with job.running(snakemake) as task:
    measured = [task.tables(name) for name in ("beta_curves", "betas")]
    drawing = linear_vae_betas.draw(*measured, task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
