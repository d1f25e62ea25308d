"""Rule figure_gradient_noise: signal-to-noise over B and K as heat maps (S5)."""

from vaentk import job
from vaentk.figures import gradient_noise

with job.running(snakemake) as task:
    drawing = gradient_noise.draw(task.tables("ratios"), task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
