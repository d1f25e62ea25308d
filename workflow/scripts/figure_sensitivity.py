"""Rule figure_sensitivity: Figure 2's powers with one setting changed at a time (W4)."""

from vaentk import job
from vaentk.figures import sensitivity

with job.running(snakemake) as task:
    slopes, worst = task.tables("slopes"), task.tables("worst")
    drawing = sensitivity.draw(slopes, worst, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
