"""Rule figure_disentanglement_units: active units, reconstruction and KL by latent size (W5)."""

from vaentk.experiments.latents.disentanglement import units as disentanglement_units
from vaentk.runtime import job

with job.running(snakemake) as task:
    drawing = disentanglement_units.draw(task.tables("summary"), task.params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
