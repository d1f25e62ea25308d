"""Rule dsprites: all images, drawn from their geometry or read from the published file."""

from vaentk.config import Data
from vaentk.data import download, dsprites
from vaentk.data.facts import Facts
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    data = Data.from_plain(snakemake.config.get("data", {}))
    grid = dsprites.GRID
    if task.params["source"] == "drawn":
        blocks, source = dsprites.draw_all(), "drawn by vaentk from the geometry of the images"
    else:
        (file,) = download.fetch_set(
            "dsprites", task.inputs["table"], data.cache, data.offline
        ).values()
        blocks, source = dsprites.read(file), file.name
    kind = "drawn" if task.params["source"] == "drawn" else "real"
    factors = tuple(zip(grid.names, grid.sizes, strict=True))
    facts = Facts("dsprites", "dsprites", kind, source, (1, 64, 64), len(grid), factors)
    path = task.outputs["images"]
    io.write_blocks(blocks, (len(grid), 512), path, {}, facts.text())
    task.describe(path, data=kind, images=len(grid))
