"""Rule figure_deep_vae_betas: gradients and losses by beta, each relative to its start (S3)."""

from vaentk import job
from vaentk.figures import deep_vae

with job.running(snakemake) as task:
    params = task.params
    drawing = deep_vae.betas(task.tables("curves"), params["sweeps"], params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
