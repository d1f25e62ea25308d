"""How long n/lambda_0 is, and the kernels for which it says nothing."""

import numpy as np
import pytest

from vaentk.activations import ACTIVATIONS
from vaentk.errors import UserError
from vaentk.experiments.ntk.durations import STIFFEST, of_horizon
from vaentk.kernels.limit import limit_kernels


def test_a_diagonal_kernel_has_the_time_and_the_rate_of_its_ends() -> None:
    duration, fastest = of_horizon(np.diag([0.5, 2.0, 8.0]), 3.0)
    assert duration == pytest.approx(3.0 * 3 / 0.5)
    assert fastest == pytest.approx(8.0 / 3)


def test_a_linear_network_with_more_images_than_pixels_is_refused() -> None:
    """Its kernel has the rank of the inputs and of their squares: lambda_0 is rounding."""
    x = np.random.default_rng(0).normal(size=(20, 2))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    kernel = limit_kernels(ACTIVATIONS["identity"], 0.5, x).total
    with pytest.raises(UserError, match=r"singular to rounding .* take another activation, fewer"):
        of_horizon(kernel, 1.0)


def test_a_time_that_no_integrator_follows_is_refused_with_one_that_it_does() -> None:
    kernel = np.diag([1e-6, 1.0])
    of_horizon(kernel, STIFFEST * 1e-6)
    with pytest.raises(UserError, match="a horizon of at most 1e\\+03, fewer samples"):
        of_horizon(kernel, 1.1 * STIFFEST * 1e-6)
