"""Rule figure_deep_vae_activations: gradients and bounds of deep VAEs by activation (S2)."""

from vaentk.experiments.convergence.deep_vae import figures as deep_vae
from vaentk.runtime import job

with job.running(snakemake) as task:
    params = task.params
    drawing = deep_vae.activations(task.tables("curves"), params["sweeps"], params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
