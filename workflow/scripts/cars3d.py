"""Rule cars3d: all images, from the original archive or from the prepared file."""

from vaentk.config import Data
from vaentk.data import cars3d, download
from vaentk.data.facts import Facts
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    data = Data.from_plain(snakemake.config.get("data", {}))
    archived = task.params["source"] == "archive"
    name = "nips2015-analogy-data.tar.gz" if archived else "cars3d_x64.npz"
    files = download.fetch_set("cars3d", task.inputs["table"], data.cache, data.offline, [name])
    images = (cars3d.archive if archived else cars3d.prepared)(files[name])
    factors = tuple(zip(cars3d.GRID.names, cars3d.GRID.sizes, strict=True))
    facts = Facts("cars3d", "cars3d", "real", name, images.shape[1:], len(images), factors)
    path = task.outputs["images"]
    io.write_blocks([images], images.shape, path, {}, facts.text())
    task.describe(path, data="real", images=len(images))
