"""Extreme eigenvalues of the implicit kernel against the dense one, n = 48 digits, d = 64."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.krylov import Lanczos
from vaentk.kernels.limit import limit_kernels
from vaentk.kernels.spectrum import (
    distance,
    greatest_eigenvalue,
    least_eigenvalue,
    preconditioner,
)
from vaentk.models.snn import StochasticNetwork

Digits = Callable[[int, int], NDArray[np.float64]]
N, D = 48, 64
SIZE = N * D
ERF = ACTIVATIONS["erf"]


@pytest.fixture(scope="module")
def x(digits: Digits) -> NDArray[np.float64]:
    """Return real digits on the 64 leading principal directions of 96, unit rows, (48, 64)."""
    rows = digits(96, 28)
    axes = np.linalg.svd(rows - rows.mean(axis=0))[2][:D]
    scores = rows[:N] @ axes.T
    projected: NDArray[np.float64] = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    return projected


def build(x: NDArray[np.float64], width: int, *, moved: bool = False) -> TangentKernel:
    rows = torch.from_numpy(x)
    smoothing = Smoothing(ERF, 1.0)
    model = StochasticNetwork(rows, width, 0.5, smoothing)
    weights = {name: value[0] for name, value in model.initial_weights((3,)).items()}
    if moved:
        generator = torch.Generator().manual_seed(0)
        weights = {
            name: w + 0.1 * torch.randn(w.shape, generator=generator, dtype=w.dtype)
            for name, w in weights.items()
        }
    return TangentKernel.of(weights, rows, smoothing)


def dense(kernel: TangentKernel) -> torch.Tensor:
    return kernel.block().reshape(SIZE, SIZE)


@pytest.mark.parametrize(("width", "moved"), [(256, False), (1024, False), (1024, True)])
def test_both_ends_are_those_of_the_dense_matrix(
    x: NDArray[np.float64], width: int, moved: bool
) -> None:
    """To 1e-4 where 1e-4 is asked, trained weights too, and never on the wrong side."""
    kernel = build(x, width, moved=moved)
    values = torch.linalg.eigvalsh(dense(kernel))
    least, greatest = least_eigenvalue(kernel, 1e-4), greatest_eigenvalue(kernel, 1e-4)
    assert least.value == pytest.approx(float(values[0]), rel=1e-4)
    assert greatest.value == pytest.approx(float(values[-1]), rel=1e-4)
    assert least.value >= float(values[0]) * (1 - 1e-9)
    assert greatest.value <= float(values[-1]) * (1 + 1e-9)
    assert least.products < 100


def test_the_stated_error_covers_the_truth(x: NDArray[np.float64]) -> None:
    for width in (128, 512):
        kernel = build(x, width)
        truth = float(torch.linalg.eigvalsh(dense(kernel))[0])
        for tolerance in (1e-1, 1e-2, 1e-3):
            found = least_eigenvalue(kernel, tolerance)
            assert found.error <= tolerance * found.value
            assert 0 <= found.value - truth <= found.error


def test_the_norm_of_the_difference_is_that_of_the_dense_matrix(x: NDArray[np.float64]) -> None:
    kernel, later = build(x, 512), build(x, 512, moved=True)
    limit = limit_kernels(ERF, 0.5, x).total
    whole = torch.kron(torch.from_numpy(limit), torch.eye(D, dtype=torch.float64))
    for other, matrix in ((limit, whole), (later, dense(later))):
        want = float(torch.linalg.eigvalsh(dense(kernel) - matrix).abs().max())
        assert distance(kernel, other, 1e-4).value == pytest.approx(want, rel=1e-4)


def test_a_singular_kernel_has_a_least_eigenvalue_near_zero(x: NDArray[np.float64]) -> None:
    """With m = 8 units and 48 samples Theta has a null space; the bound from Theta_d says so."""
    kernel = build(x, 8)
    truth = float(torch.linalg.eigvalsh(dense(kernel))[0])
    found = least_eigenvalue(kernel, 1e-2, most=120)
    assert abs(truth) < 1e-10
    assert found.value < 1e-3 * greatest_eigenvalue(kernel).value
    assert found.value - found.error < 1e-10


def test_the_preconditioner_is_exact_where_the_kernel_is_of_its_form(
    x: NDArray[np.float64],
) -> None:
    """With linear units the slopes are 1, so Theta = R x C + Theta_d, and the inverse is exact.

    The shift s is undone by asking for the inverse of Theta - s: the images of both agree to 1e-8.
    """
    rows = torch.from_numpy(x[:12])
    smoothing = Smoothing(ACTIVATIONS["identity"], 1.0)
    model = StochasticNetwork(rows, 512, 0.5, smoothing)
    weights = {name: value[0] for name, value in model.initial_weights((0,)).items()}
    kernel = TangentKernel.of(weights, rows, smoothing)
    vector = torch.randn(kernel.shape, generator=torch.Generator().manual_seed(1)).double()
    shift = 0.9 * torch.linalg.eigvalsh(kernel.value_gram)[0]
    back = preconditioner(kernel)(kernel.matvec(vector) - shift * vector)
    # The preconditioner is right up to one factor: it inverts (T x C + Theta_d - s) Theta_d-scaled.
    assert torch.allclose(back, vector, rtol=1e-8, atol=1e-8)


def test_preconditioning_saves_most_products(x: NDArray[np.float64]) -> None:
    """Lanczos' process is not within 1% of the smallest eigenvalue after four times as many."""
    kernel = build(x, 512)
    least = least_eigenvalue(kernel, 1e-2)
    process = Lanczos(kernel.matvec, torch.randn(N, D, generator=torch.manual_seed(0)).double())
    while process.products < 4 * least.products:
        process.extend()
    assert process.ritz()[0][0] > 1.01 * least.value
