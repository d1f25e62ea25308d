"""Rule figure_disentanglement: Figure 3, scores against the latent size (W5)."""

from vaentk.experiments.latents.disentanglement import figures as disentanglement
from vaentk.runtime import job

with job.running(snakemake) as task:
    drawing = disentanglement.draw(task.tables("scores"), task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
