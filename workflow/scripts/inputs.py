"""Rule inputs: a class-balanced choice of images, pooled and scaled, for one run."""

import numpy as np

from vaentk import io, job
from vaentk.config import Inputs
from vaentk.data import mnist

with job.running(snakemake) as task:
    settings = Inputs.from_plain(task.params["settings"])
    stored = io.read_arrays(task.inputs["images"])
    generator = np.random.default_rng(settings.data_seed)
    chosen = mnist.balanced_subset(stored["labels"], settings.samples, generator)
    images, labels = stored["images"][chosen], stored["labels"][chosen]
    x = mnist.inputs(images, settings.resolution, settings.scaling)
    arrays = {"x": x, "images": images, "labels": labels, "indices": chosen}
    io.write_arrays(arrays, task.outputs["inputs"])
