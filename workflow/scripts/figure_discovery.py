"""Rule figure_discovery: the best single unit for every attribute (W6)."""

from vaentk import io, job
from vaentk.figures import discovery

with job.running(snakemake) as task:
    [words], [threshold] = task.params["labels"].values(), task.params["threshold"]
    table = io.read_table(task.inputs["attributes"])
    drawing = discovery.draw(table, words, threshold)
    task.save_figure(drawing.svg, drawing.alt)
