"""Rule figure_discovery: the best single unit for every attribute (W6)."""

from vaentk.experiments.latents.discovery import faces
from vaentk.experiments.latents.discovery import figures as discovery
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    [words], [threshold] = task.params["labels"].values(), task.params["threshold"]
    table = io.read_table(task.inputs["attributes"])
    counted = io.read_table(task.inputs["counts"]).iloc[0]
    title = faces.extent(words, counted["images"], counted["official"])
    drawing = discovery.draw(table, title, threshold)
    task.save_figure(drawing.svg, drawing.alt)
