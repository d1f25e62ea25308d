"""The rows of MNIST that a run is trained on and tested on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vaentk.data import mnist
from vaentk.experiments.ntk.settings import Inputs


def inputs_of(
    stored: Mapping[str, NDArray[Any]], settings: Inputs, held_out: int = 0
) -> dict[str, NDArray[Any]]:
    """Choose a class-balanced part of the images, pooled and scaled, and others to test on.

    Parameters
    ----------
    stored
        ``images`` (N, 28, 28) uint8 and ``labels`` (N,), the whole data set.
    settings
        How many images, at what size and scale, and the seed of the choice.
    held_out
        Number n' of test images, class-balanced too; principal components are those of all images
        but these.

    Returns
    -------
    dict
        ``indices`` (n,); ``x`` (n, d) float64, ``images`` (n, 28, 28) and ``labels`` (n,); the same
        three with the ending ``_held_out`` of the n' test images.
    """
    generator = np.random.default_rng(settings.data_seed)
    labels = stored["labels"]
    chosen = mnist.balanced_subset(labels, settings.samples, generator)
    others = np.setdiff1d(np.arange(len(labels)), chosen)
    tested = others[:0]
    if held_out:
        tested = others[mnist.balanced_subset(labels[others], held_out, generator)]
    arrays: dict[str, NDArray[Any]] = {"indices": chosen}
    for ending, part in (("", chosen), ("_held_out", tested)):
        images = stored["images"][part]
        if settings.components is None or not len(part):
            x = mnist.inputs(images, settings.resolution, settings.scaling)
        else:
            seen = stored["images"][np.setdiff1d(np.arange(len(labels)), tested)]
            # One thread, so that every job finds the same bytes, whatever its cores.
            with threadpool_limits(1):
                x = mnist.principal_components(
                    images, seen, settings.components, settings.resolution
                )
        arrays |= {f"x{ending}": x, f"images{ending}": images, f"labels{ending}": labels[part]}
    return arrays


def variant_inputs(
    wanted: Inputs, inputs: Mapping[str, NDArray[Any]], run: Inputs
) -> NDArray[np.float64]:
    """Return the inputs of a variant, (n, d), from the images of its run.

    Parameters
    ----------
    wanted
        The variant's settings, with no more samples than the run has.
    inputs
        What `inputs_of` chose for the run.
    run
        The run's own settings.
    """
    if wanted == run:
        return inputs["x"]
    generator = np.random.default_rng(wanted.data_seed)
    chosen = mnist.balanced_subset(inputs["labels"], wanted.samples, generator)
    chosen = np.arange(run.samples) if wanted.samples == run.samples else np.sort(chosen)
    return mnist.inputs(inputs["images"][chosen], wanted.resolution, wanted.scaling)
