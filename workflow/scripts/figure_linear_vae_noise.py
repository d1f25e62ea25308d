"""Rule figure_linear_vae_noise: noise of the estimators, and the gap to probabilistic PCA (S1)."""

from vaentk.experiments.convergence.linear_vae import figure_noise as linear_vae_noise
from vaentk.runtime import job

with job.running(snakemake) as task:
    measured = [task.tables(name) for name in ("noise", "noise_slopes", "curves")]
    drawing = linear_vae_noise.draw(*measured, task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
