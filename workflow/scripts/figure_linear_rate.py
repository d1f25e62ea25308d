"""Rule figure_linear_rate: Theorem 1's loss and bound, and Lemma 4 (W2)."""

from vaentk.experiments.ntk.linear_rate import figures as linear_rate
from vaentk.runtime import job

with job.running(snakemake) as task:
    curves, members = task.tables("curves"), task.tables("members")
    drawing = linear_rate.draw(curves, members, task.params["data"])
    task.save_figure(drawing.svg, drawing.alt)
