"""Rule figure_least_width: the width from which the kernel's prediction holds (X3)."""

from vaentk.experiments.ntk.least_width import figures as least_width
from vaentk.runtime import job

with job.running(snakemake) as task:
    tolerances = dict(zip(task.params["runs"], task.params["tolerances"], strict=True))
    drawing = least_width.draw(
        task.tables("members"),
        task.tables("least_width"),
        task.tables("slopes"),
        tolerances,
        task.params["data"],
    )
    task.save_figure(drawing.svg, drawing.alt)
