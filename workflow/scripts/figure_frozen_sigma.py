"""Rule figure_frozen_sigma: what training W_sigma changes, beside the kernel distance (X2)."""

from vaentk import job
from vaentk.figures import frozen_sigma

with job.running(snakemake) as task:
    curves, difference = task.tables("curves"), task.tables("difference")
    drawing = frozen_sigma.draw(curves, difference, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
