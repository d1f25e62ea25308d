"""Functions between layers: the table's own values and slopes, bounds, and no overflow."""

from math import exp, log

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from vaentk.activations import ACTIVATIONS, soft_clip, soft_clipping
from vaentk.errors import UserError
from vaentk.models.nonlinearities import (
    HIDDEN_BOUNDS,
    LOGVAR_BOUNDS,
    MEAN_BOUNDS,
    UNCLIPPED,
    Nonlinearities,
    Nonlinearity,
)

BOUNDS = [HIDDEN_BOUNDS, MEAN_BOUNDS, LOGVAR_BOUNDS]
SHARPNESS = [1.0, 2.0, 5.0, 10.0]
FAR = [-1e4, -1e3, -100.0, 100.0, 1e3, 1e4]


def value_and_slope(function: Nonlinearity, x: Tensor) -> tuple[Tensor, Tensor]:
    leaf = x.clone().requires_grad_()
    y = function(leaf)
    (slope,) = torch.autograd.grad(y.sum(), leaf)
    return y.detach(), slope


def test_every_activation_but_soft_clipping_is_here() -> None:
    assert {*UNCLIPPED, "soft_clipping"} == set(ACTIVATIONS)


@pytest.mark.parametrize("name", sorted(UNCLIPPED))
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_values_and_autograds_slopes_are_the_tables(
    name: str, dtype: torch.dtype, tolerance: float
) -> None:
    x = torch.cat([torch.linspace(-30, 30, 2401), torch.tensor(FAR)]).to(dtype)
    x = x[x != 0]  # the kinks
    value, slope = value_and_slope(UNCLIPPED[name], x)
    expected, expected_slope, _ = ACTIVATIONS[name].derivatives(x)
    torch.testing.assert_close(value, expected, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(slope, expected_slope, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("sharpness", SHARPNESS)
@pytest.mark.parametrize("bounds", BOUNDS)
def test_soft_clip_reaches_its_bounds_without_overflow(
    bounds: tuple[float, float], sharpness: float, dtype: torch.dtype
) -> None:
    """At 100 <= |x| <= 1e4: the bounds themselves, and slopes of e^-50 at most."""
    value, slope = value_and_slope(
        lambda z: soft_clip(z, sharpness, *bounds), torch.tensor(FAR, dtype=dtype)
    )
    expected = torch.tensor([bounds[0]] * 3 + [bounds[1]] * 3, dtype=dtype)
    torch.testing.assert_close(value, expected, rtol=1e-15, atol=0)
    assert float(slope.abs().max()) <= 1.01 * exp(-50)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("sharpness", SHARPNESS)
@pytest.mark.parametrize("bounds", BOUNDS)
def test_soft_clip_is_clipping_off_by_log_2_over_s_at_most(
    bounds: tuple[float, float], sharpness: float, dtype: torch.dtype
) -> None:
    """And the slope lies from 0 to 1, half of it at a bound."""
    x = torch.linspace(-120, 120, 4801, dtype=dtype)
    value, slope = value_and_slope(lambda z: soft_clip(z, sharpness, *bounds), x)
    gap = float((value - x.clamp(*bounds)).abs().max())
    assert gap == pytest.approx(log(2) / sharpness, rel=1e-3)
    assert 0 <= float(slope.min()) <= float(slope.max()) <= 1
    at_bounds = [int((x - bound).abs().argmin()) for bound in bounds]
    assert slope[at_bounds].tolist() == pytest.approx([0.5, 0.5], abs=1e-4)


@pytest.mark.parametrize("sharpness", SHARPNESS)
def test_soft_clip_keeps_the_digits_of_small_numbers(sharpness: float) -> None:
    """In single precision, a mean of 1e-5 between bounds of -50 and 50 to its last digit."""
    x = torch.tensor([1e-5, -3e-4, 0.7])
    assert torch.equal(soft_clip(x, sharpness, *MEAN_BOUNDS), x)


def test_gradients_of_soft_clip_are_its_slopes_twice() -> None:
    x = torch.linspace(-4, 4, 23, dtype=torch.float64).requires_grad_()
    assert gradcheck(lambda z: soft_clip(z, 2.0, -1.0, 1.5), x)
    assert gradgradcheck(lambda z: soft_clip(z, 2.0, -1.0, 1.5), x)


@pytest.mark.parametrize("sharpness", SHARPNESS)
def test_soft_clipping_has_the_authors_bounds(sharpness: float) -> None:
    functions = Nonlinearities.soft_clipping(sharpness)
    x = torch.linspace(-70, 70, 1001, dtype=torch.float64)
    for function, bounds in zip(
        (functions.hidden, functions.mean, functions.logvar),
        [(0, 50), (-50, 50), (-20, 20)],
        strict=True,
    ):
        assert torch.equal(function(x), soft_clipping(sharpness, *bounds)(x))


def test_others_leave_the_heads_alone() -> None:
    functions = Nonlinearities.named("gelu")
    x = torch.linspace(-70, 70, 11)
    assert torch.equal(functions.hidden(x), torch.nn.functional.gelu(x))
    assert torch.equal(functions.mean(x), x)
    assert torch.equal(functions.logvar(x), x)


def test_an_unknown_name_is_refused_in_one_sentence() -> None:
    with pytest.raises(UserError, match=r"^activation 'swish' is not known: choose one of erf, "):
        Nonlinearities.named("swish")
