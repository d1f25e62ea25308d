"""Rule figure_deep_vae_samples: gradients and bounds of deep VAEs by K (S4)."""

from vaentk import job
from vaentk.figures import deep_vae

with job.running(snakemake) as task:
    params = task.params
    drawing = deep_vae.samples(task.tables("curves"), params["sweeps"], params["labels"])
    task.save_figure(drawing.svg, drawing.alt)
