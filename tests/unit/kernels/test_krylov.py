"""Lanczos' process against dense linear algebra."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from torch import Tensor

from vaentk.kernels.krylov import Lanczos, extreme_eigenvalues


def symmetric(values: np.ndarray, seed: int = 0) -> Tensor:
    """Return a symmetric matrix with given eigenvalues, in a random basis."""
    root = np.random.default_rng(seed).standard_normal((len(values), len(values)))
    basis, _ = np.linalg.qr(root)
    return torch.from_numpy((basis * values) @ basis.T)


def test_it_finds_both_ends_of_a_spectrum_with_a_gap() -> None:
    values = np.concatenate([[-3.0], np.linspace(0, 5, 200), [7.0]])
    matrix = symmetric(values)
    least, greatest = extreme_eigenvalues(lambda v: matrix @ v, torch.empty(202).double(), 1e-4)
    assert greatest.value == pytest.approx(7, rel=1e-4)
    assert least.value == pytest.approx(-3, rel=1e-3)
    assert greatest.products == least.products <= 60


def test_the_stated_error_covers_the_edge_of_a_continuous_band() -> None:
    """A semicircle's edge, where no eigenvalue stands out: off by 0.1 to 3 stated errors."""
    size = 3000
    values = 10 + 2 * np.cos(np.pi * (np.arange(size) + 0.5) / size)
    matrix = torch.from_numpy(values)
    for tolerance in (1e-2, 1e-3):
        _, greatest = extreme_eigenvalues(
            lambda v: matrix * v, torch.empty(size).double(), tolerance
        )
        off = values.max() - greatest.value
        assert 0 <= off < tolerance * values.max()
        assert 0.1 * greatest.error <= off <= 3 * greatest.error


def test_an_invariant_subspace_ends_it_exactly() -> None:
    """Three distinct eigenvalues of multiplicity ten are known after three products."""
    matrix = symmetric(np.repeat([1.0, 2.0, 5.0], 10))
    least, greatest = extreme_eigenvalues(lambda v: matrix @ v, torch.empty(30).double())
    assert (least.value, greatest.value) == pytest.approx((1.0, 5.0), rel=1e-12)
    assert least.products == 3


def test_a_function_of_the_operator_is_that_of_the_dense_matrix() -> None:
    """``exp(-A t) v`` at three times, shapes kept, to 1e-12 of ``|v|`` when the basis is full."""
    matrix = symmetric(np.geomspace(0.01, 10, 24))
    start = torch.randn(4, 6, generator=torch.Generator().manual_seed(1)).double()
    process = Lanczos(lambda v: (matrix @ v.flatten()).view(4, 6), start)
    while process.extend() and process.products < 24:
        pass
    times = np.array([0.0, 0.3, 20.0])[:, None]
    got = process.combine(process.coefficients(lambda values: np.exp(-times * values)))
    assert got.shape == (3, 4, 6)
    for row, time in zip(got, times[:, 0], strict=True):
        want = expm(-time * matrix.numpy()) @ start.flatten().numpy()
        assert np.linalg.norm(row.flatten().numpy() - want) < 1e-12 * float(start.norm())


def test_float32_stops_at_its_own_rounding() -> None:
    matrix = symmetric(np.repeat([1.0, 2.0, 5.0], 10)).float()
    _, greatest = extreme_eigenvalues(lambda v: matrix @ v, torch.empty(30))
    assert greatest.value == pytest.approx(5, rel=1e-5)
