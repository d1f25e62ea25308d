"""The variance of erf of a Gaussian against quadrature, Owen's T, sampling and differences."""

from math import pi, sqrt

import numpy as np
import pytest
import torch
from scipy.special import erf, owens_t

from vaentk.models.erf_variance import erf_variance, mean_erf_variance

VARIANCES = [1e-4, 0.01, 0.25, 1.0, 4.0, 100.0]
MEANS = torch.linspace(-6, 6, 97, dtype=torch.float64)


def within(v: float) -> float:
    """Error of the rule that its documentation states; rounding where there is little noise."""
    return 1e-11 if v <= 1 else 1e-8


def by_trapezoids(u: torch.Tensor, v: float) -> np.ndarray:
    """Var erf(u + s xi) on equally spaced nodes, whose error here is far below rounding."""
    xi = np.linspace(-9, 9, 20_001)
    weights = np.exp(-(xi**2) / 2) * (xi[1] - xi[0]) / sqrt(2 * pi)
    values = erf(u.numpy()[:, None] + sqrt(v) * xi)
    return (values**2) @ weights - (values @ weights) ** 2


@pytest.mark.parametrize("v", VARIANCES)
def test_it_is_the_second_moment_less_the_squared_mean(v: float) -> None:
    found = erf_variance(MEANS, torch.full_like(MEANS, v)).value
    np.testing.assert_allclose(found, by_trapezoids(MEANS, v), rtol=0, atol=within(v))
    alpha = MEANS.numpy() / sqrt(1 + 2 * v)
    second = 1 - 8 * owens_t(sqrt(2) * alpha, 1 / sqrt(1 + 4 * v))
    np.testing.assert_allclose(found, second - erf(alpha) ** 2, rtol=0, atol=within(v))


def test_it_is_what_samples_vary() -> None:
    """Within five standard errors of a variance of 200,000 bounded values."""
    u, draws = torch.tensor([-1.5, 0.0, 0.4], dtype=torch.float64), 200_000
    noise = np.random.default_rng(0).standard_normal((draws, 1))
    values = erf(u.numpy() + 0.5 * noise)
    squares = (values - values.mean(axis=0)) ** 2
    error = squares.std(axis=0) / sqrt(draws)
    found = erf_variance(u, torch.full_like(u, 0.25)).value.numpy()
    assert (abs(squares.mean(axis=0) - found) < 5 * error).all()


@pytest.mark.parametrize("v", VARIANCES)
def test_its_derivatives_are_central_differences(v: float) -> None:
    """Of the quadrature: errors of second order in the step and of rounding over the step."""
    found = erf_variance(MEANS, torch.full_like(MEANS, v))
    step = 1e-4
    by_mean = by_trapezoids(MEANS + step, v) - by_trapezoids(MEANS - step, v)
    np.testing.assert_allclose(found.by_mean, by_mean / (2 * step), rtol=0, atol=1e-7)
    small = step * v
    by_variance = by_trapezoids(MEANS, v + small) - by_trapezoids(MEANS, v - small)
    np.testing.assert_allclose(found.by_variance, by_variance / (2 * small), atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("v", [1e-6, *VARIANCES])
def test_single_precision_loses_no_digits(v: float) -> None:
    """Right to some roundings of its own size, however small: nothing cancels."""
    u, variance = MEANS, torch.full_like(MEANS, v)
    exact, rounded = erf_variance(u, variance), erf_variance(u.float(), variance.float())
    for right, found in zip(exact, rounded, strict=True):
        assert float((right - found.double()).abs().max()) < 2e-6 * float(right.abs().max())


@pytest.mark.parametrize("sigma0", [0.1, 0.5, 2.0])
def test_the_mean_over_units_is_its_closed_form(sigma0: float) -> None:
    u = torch.linspace(-9, 9, 20_001, dtype=torch.float64)
    density = torch.exp(-(u**2) / 2) * (u[1] - u[0]) / sqrt(2 * pi)
    value = erf_variance(u, torch.full_like(u, sigma0**2)).value
    assert float(value @ density) == pytest.approx(mean_erf_variance(sigma0), abs=1e-8)


def test_the_floors_at_49_and_784_outputs() -> None:
    """Worked out by hand: asin(2.5/3.5) - asin(2/3.5) is 0.18739."""
    assert mean_erf_variance(0.5) * 49 / 2 == pytest.approx(2.92, abs=0.005)
    assert mean_erf_variance(0.5) * 784 / 2 == pytest.approx(46.76, abs=0.01)
