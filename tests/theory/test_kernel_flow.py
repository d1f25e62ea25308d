"""What a constant kernel predicts: matrix exponentials, small Euler steps, explicit iteration."""

from math import exp

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from vaentk.kernels.flow import claimed_bound, descent_residuals, flow_residuals, losses

Array = NDArray[np.float64]
N, D = 6, 3


def problem() -> tuple[Array, Array]:
    generator = np.random.default_rng(8)
    root = generator.standard_normal((N, N))
    return root @ root.T, generator.standard_normal((N, D))


def test_flow_is_the_matrix_exponential() -> None:
    """``exp(-K t/n)`` by SciPy's Pade approximation; to 1e-12 of the initial residual."""
    kernel, residual = problem()
    times = [0.0, 0.01, 0.5, 3.0, 100.0]
    got = flow_residuals(kernel, residual, times)
    assert got.shape == (5, N, D)
    for row, t in zip(got, times, strict=True):
        expected = expm(-kernel * t / N) @ residual
        assert np.linalg.norm(row - expected) < 1e-12 * np.linalg.norm(residual)


def test_flow_is_the_limit_of_euler_steps() -> None:
    """``df/dt = -(1/n) K (f - X)`` by 4,000 midpoint steps to t = 2: error of order dt^2 = 1e-6."""
    kernel, residual = problem()
    step, state = 2.0 / 4000, residual.copy()
    for _ in range(4000):
        middle = state - step / 2 * kernel @ state / N
        state = state - step * kernel @ middle / N
    got = flow_residuals(kernel, residual, [2.0])[0]
    assert np.linalg.norm(got - state) < 1e-6 * np.linalg.norm(residual)


def test_descent_is_the_explicit_iteration() -> None:
    kernel, residual = problem()
    rate = 1.5 * N / np.linalg.eigvalsh(kernel)[-1]
    state, visited = residual.copy(), {}
    for step in range(41):
        visited[step] = state
        state = state - rate / N * kernel @ state
    steps = [0, 1, 2, 7, 40]
    got = descent_residuals(kernel, residual, rate, steps)
    for row, step in zip(got, steps, strict=True):
        assert np.linalg.norm(row - visited[step]) < 1e-12 * np.linalg.norm(residual)


def test_small_descent_steps_follow_the_flow() -> None:
    """At equal time the gap falls in proportion to the learning rate: a tenth, within 1%."""
    kernel, residual = problem()
    flow = flow_residuals(kernel, residual, [1.0])[0]
    gaps = [
        np.linalg.norm(descent_residuals(kernel, residual, 1 / s, [s])[0] - flow)
        for s in (10_000, 100_000)
    ]
    assert gaps[1] / gaps[0] == pytest.approx(0.1, rel=0.01)


def test_losses_by_hand() -> None:
    """(1 + 4 + 9 + 0) / (2 * 2) = 3.5, and half of it scaled by 1/4."""
    residual = np.array([[1.0, -2.0], [3.0, 0.0]])
    assert losses(np.stack([residual, residual / 2])).tolist() == [3.5, 0.875]


def test_claimed_bound_by_hand() -> None:
    got = claimed_bound(5.0, 0.2, 4, [0.0, 20.0, 40.0])
    assert got == pytest.approx([5.0, 5 * exp(-1), 5 * exp(-2)], rel=1e-14)


def test_flow_stays_below_the_claimed_bound() -> None:
    """The loss falls at least at twice the claimed rate; the slowest mode exactly so."""
    kernel, residual = problem()
    values, vectors = np.linalg.eigh(kernel)
    times = np.linspace(0, 50, 26)
    measured = losses(flow_residuals(kernel, residual, times))
    assert np.all(measured <= claimed_bound(measured[0], 2 * values[0], N, times) * (1 + 1e-12))
    slowest = losses(flow_residuals(kernel, vectors[:, :1], times))
    assert slowest == pytest.approx(claimed_bound(1 / (2 * N), 2 * values[0], N, times), rel=1e-9)
