"""What the theory tests share: one thread, and real digits."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vaentk.data import mnist

Digits = Callable[[int, int], NDArray[np.float64]]


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits() -> Digits:
    """Real MNIST digits: ``(n, resolution) -> (n, resolution^2)`` with unit rows, all classes."""
    images, labels = mnist.embedded()

    def choose(samples: int, resolution: int) -> NDArray[np.float64]:
        chosen = mnist.balanced_subset(labels, samples, np.random.default_rng(0))
        return mnist.inputs(images[chosen], resolution)

    return choose
