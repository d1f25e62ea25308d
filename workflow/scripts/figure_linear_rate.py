"""Rule figure_linear_rate: Theorem 1's loss and bound, and Lemma 4 (W2)."""

from vaentk import job
from vaentk.figures import linear_rate

with job.running(snakemake) as task:
    curves, members = task.tables("curves"), task.tables("members")
    drawing = linear_rate.draw(curves, members, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
