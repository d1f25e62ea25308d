"""Rule figure_linear_vae_noise: noise of the estimators, and the gap to probabilistic PCA (S1)."""

from vaentk import job
from vaentk.figures import linear_vae_noise

with job.running(snakemake) as task:
    measured = [task.tables(name) for name in ("noise", "noise_slopes", "curves")]
    drawing = linear_vae_noise.draw(*measured, task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
