"""Rule figure_sensitivity: Figure 2's powers with one setting changed at a time (W4)."""

from vaentk.experiments.ntk.sensitivity import figures as sensitivity
from vaentk.runtime import job

with job.running(snakemake) as task:
    slopes, worst = task.tables("slopes"), task.tables("worst")
    drawing = sensitivity.draw(slopes, worst, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
