"""Rule mnist: the training images of MNIST, embedded or downloaded."""

from vaentk import io, job
from vaentk.config import Data
from vaentk.data import download, mnist, table

with job.running(snakemake) as task:
    if task.params["source"] == "embedded":
        images, labels = mnist.embedded()
    else:
        data = Data.from_plain(snakemake.config.get("data", {}))
        cache = download.cache_folder(data.cache)
        rows = [row for row in table.read_table(task.inputs["table"]) if row.name == "mnist"]
        paths = [download.fetch(row, cache, offline=data.offline) for row in rows]
        images, labels = mnist.full(paths, part="train")
    io.write_arrays({"images": images, "labels": labels}, task.outputs["images"])
    label = "embedded subset" if task.params["source"] == "embedded" else "real"
    task.describe(task.outputs["images"], data=label, images=len(images), pixels=images.shape[1])
