"""Rule figure_weight_change_slopes: how Figure 2's powers approach their limit (W4)."""

from vaentk.experiments.ntk.weight_change import local_slopes as weight_change_slopes
from vaentk.runtime import job

with job.running(snakemake) as task:
    local, slopes = task.tables("local_slopes"), task.tables("slopes")
    drawing = weight_change_slopes.draw(local, slopes)
    task.save_figure(drawing.svg, drawing.alt)
