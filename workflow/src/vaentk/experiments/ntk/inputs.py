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
    held_out
        Number n' of test images, class-balanced too; principal components are those of all images
        but these.

    Returns
    -------
    dict
        ``x`` (n, d) float64, ``images`` (n, 28, 28) and ``labels`` (n,); the same
        three with the ending ``_held_out`` of the n' test images.
    """
    generator = np.random.default_rng(settings.data_seed)
    labels = stored["labels"]
    chosen = mnist.balanced_subset(labels, settings.samples, generator)
    others = np.setdiff1d(np.arange(len(labels)), chosen)
    tested = others[:0]
    if held_out:
        tested = others[mnist.balanced_subset(labels[others], held_out, generator)]
    arrays: dict[str, NDArray[Any]] = {}
    for ending, part in (("", chosen), ("_held_out", tested)):
        images = stored["images"][part]
        if settings.components is None or not len(part):
            x = mnist.inputs(images, settings.resolution, settings.scaling)
        else:
            seen = stored["images"][np.setdiff1d(np.arange(len(labels)), tested)]
            size = settings.components, settings.resolution
            with threadpool_limits(1):  # so that every job has the same bytes, whatever its cores
                x = mnist.principal_components(images, seen, *size)
        arrays |= {f"x{ending}": x, f"images{ending}": images, f"labels{ending}": labels[part]}
    return arrays


def variant_inputs(
    stored: Mapping[str, NDArray[Any]], settings: Inputs, run: Inputs
) -> NDArray[np.float64]:
    """Return the inputs of a variant of a run, (n, d): from the same images, or a part of them.

    ``stored`` holds the run's images, as `inputs_of` returns them for the run's own settings; the
    variant's ask for no more samples.
    """
    if settings == run:
        return stored["x"]
    chosen = np.arange(run.samples)
    if settings.samples < run.samples:
        generator = np.random.default_rng(settings.data_seed)
        chosen = np.sort(mnist.balanced_subset(stored["labels"], settings.samples, generator))
    return mnist.inputs(stored["images"][chosen], settings.resolution, settings.scaling)
