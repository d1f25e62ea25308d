"""Rule cifar: CIFAR-10 or CIFAR-100, training and test images."""

import numpy as np

from vaentk import io, job
from vaentk.config import Data
from vaentk.data import cifar, download
from vaentk.data.facts import PARTS, Facts

with job.running(snakemake) as task:
    data = Data.from_plain(snakemake.config.get("data", {}))
    kind = task.params["source"]
    (file,) = download.fetch_set(kind, task.inputs["table"], data.cache, data.offline).values()
    (train, train_labels, _), (test, test_labels, _) = (
        cifar.read(file, kind, part) for part in ("train", "test")
    )
    images = np.concatenate([train, test])
    parts = np.repeat(
        np.uint8([PARTS.index("train"), PARTS.index("test")]), [len(train), len(test)]
    )
    facts = Facts(kind, kind, "real", file.name, (3, 32, 32), len(images))
    known = {"labels": np.concatenate([train_labels, test_labels]), "parts": parts}
    path = task.outputs["images"]
    io.write_blocks([images], images.shape, path, known, facts.text())
    task.describe(path, data="real", images=len(images))
