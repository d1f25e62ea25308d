"""Rule dsprites: all images, drawn from their geometry or read from the published file."""

from vaentk.config import Data
from vaentk.data import download
from vaentk.data.dsprites import drawing, published
from vaentk.data.facts import Facts
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    data = Data.from_plain(snakemake.config.get("data", {}))
    grid = drawing.GRID
    if task.params["source"] == "drawn":
        kind, source = "drawn", "drawn by vaentk from the geometry of the images"
        blocks = drawing.draw_all()
    else:
        files = download.fetch_set("dsprites", task.inputs["table"], data.cache, data.offline)
        [file] = files.values()
        kind, source = "real", file.name
        blocks = published.read(file)
    factors = tuple(zip(grid.names, grid.sizes, strict=True))
    facts = Facts("dsprites", "dsprites", kind, source, (1, 64, 64), len(grid), factors)
    path = task.outputs["images"]
    io.write_blocks(blocks, (len(grid), 512), path, {}, facts.text())
    task.describe(path, data=kind, images=len(grid))
