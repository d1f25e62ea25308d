"""Rule figure_disentanglement: Figure 3, scores against the latent size (W5)."""

from vaentk import job
from vaentk.figures import disentanglement

with job.running(snakemake) as task:
    drawing = disentanglement.draw(task.tables("scores"), task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
