"""Nested parts of a run's images, and the images held out from all of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaentk.data import mnist
from vaentk.experiments.ntk.generalisation import Generalisation
from vaentk.experiments.ntk.inputs import inputs_of

Array = NDArray[np.float64]


def nested_inputs(
    stored: Mapping[str, NDArray[Any]], settings: Generalisation
) -> tuple[dict[str, Array], Array]:
    """Choose the images of every variant, (n, d) by its name, and those held out, (n', d).

    The largest n has the run's images; each smaller one a class-balanced part of the next.
    """
    inputs = inputs_of(stored, settings.inputs, settings.held_out)
    x, labels = inputs["x"], inputs["labels"]
    generator = np.random.default_rng(settings.inputs.data_seed)
    by_name = {}
    for name, case in reversed(settings.variants().items()):
        if case.inputs.samples < len(x):
            chosen = mnist.balanced_subset(labels, case.inputs.samples, generator)
            x, labels = x[chosen], labels[chosen]
        by_name[name] = x
    return by_name, inputs["x_held_out"]
