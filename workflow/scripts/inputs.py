"""Rule inputs: a class-balanced choice of images, pooled and scaled, for one run."""

import numpy as np

from vaentk.data import mnist
from vaentk.experiments.ntk.settings import Inputs
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    settings = Inputs.from_plain(task.params["settings"])
    stored = io.read_arrays(task.inputs["images"])
    generator = np.random.default_rng(settings.data_seed)
    chosen = mnist.balanced_subset(stored["labels"], settings.samples, generator)
    others = np.setdiff1d(np.arange(len(stored["labels"])), chosen)
    held_out = others[:0]
    if task.params["held_out"]:
        drawn = mnist.balanced_subset(stored["labels"][others], task.params["held_out"], generator)
        held_out = others[drawn]
    known = np.setdiff1d(np.arange(len(stored["labels"])), held_out)
    arrays = {"indices": chosen}
    for ending, part in (("", chosen), ("_held_out", held_out)):
        images, labels = stored["images"][part], stored["labels"][part]
        if settings.components is None or not len(part):
            x = mnist.inputs(images, settings.resolution, settings.scaling)
        else:
            x = mnist.principal_components(
                images, stored["images"][known], settings.components, settings.resolution
            )
        arrays |= {f"x{ending}": x, f"images{ending}": images, f"labels{ending}": labels}
    io.write_arrays(arrays, task.outputs["inputs"])
