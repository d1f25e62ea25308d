"""Rule figure_weight_change: Figure 2 in the paper's form (W4)."""

from vaentk.experiments.ntk.weight_change import figures as weight_change
from vaentk.runtime import job

with job.running(snakemake) as task:
    changes, slopes = task.tables("changes"), task.tables("slopes")
    drawing = weight_change.draw(changes, slopes, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
