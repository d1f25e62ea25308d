"""Rule figure_deep_vae_betas: gradients and losses by beta, each relative to its start (S3)."""

from vaentk.experiments.convergence.deep_vae import figures as deep_vae
from vaentk.runtime import job

with job.running(snakemake) as task:
    params = task.params
    drawing = deep_vae.betas(task.tables("curves"), params["sweeps"], params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
