"""Rule figure_deep_vae_activations: gradients and bounds of deep VAEs by activation (S2)."""

from vaentk import job
from vaentk.figures import deep_vae

with job.running(snakemake) as task:
    params = task.params
    drawing = deep_vae.activations(task.tables("curves"), params["sweeps"], params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
