"""Rule figure_gradient_noise: signal-to-noise over B and K as heat maps (S5)."""

from vaentk.experiments.convergence.gradient_noise import figures as gradient_noise
from vaentk.runtime import job

with job.running(snakemake) as task:
    drawing = gradient_noise.draw(task.tables("ratios"), task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
