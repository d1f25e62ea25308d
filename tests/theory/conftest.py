"""What the theory tests share: real digits."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from vaentk.data import mnist

Digits = Callable[[int, int], NDArray[np.float64]]


@pytest.fixture(scope="session")
def digits() -> Digits:
    """Real MNIST digits: ``(n, resolution) -> (n, resolution^2)`` with unit rows, all classes."""
    images, labels = mnist.embedded()

    def choose(samples: int, resolution: int) -> NDArray[np.float64]:
        chosen = mnist.balanced_subset(labels, samples, np.random.default_rng(0))
        return mnist.inputs(images[chosen], resolution)

    return choose
