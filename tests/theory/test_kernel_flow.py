"""What a constant kernel predicts: matrix exponentials, small Euler steps, trained networks."""

from math import exp

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import expm

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.errors import UserError
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.flow import (
    claimed_bound,
    coefficients,
    gradient_flow,
    implicit_residuals,
    losses,
    residuals,
)
from vaentk.models.snn import StochasticNetwork
from vaentk.training.flow import follow, initial_state
from vaentk.training.gradient import GeneralGradient, Vector
from vaentk.training.objectives import Objective
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Moments

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
    got = residuals(kernel, residual, gradient_flow(times, N))
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
    got = residuals(kernel, residual, gradient_flow([2.0], N))[0]
    assert np.linalg.norm(got - state) < 1e-6 * np.linalg.norm(residual)


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
    measured = losses(residuals(kernel, residual, gradient_flow(times, N)))
    assert np.all(measured <= claimed_bound(measured[0], 2 * values[0], N, times) * (1 + 1e-12))
    slowest = losses(residuals(kernel, vectors[:, :1], gradient_flow(times, N)))
    assert slowest == pytest.approx(claimed_bound(1 / (2 * N), 2 * values[0], N, times), rel=1e-9)


def test_the_filter_with_a_penalty_ends_in_ridge_regression() -> None:
    """At t = infinity, and late enough, alpha = (K + n beta I)^(-1) r, to 1e-10."""
    kernel, residual = problem()
    beta = 0.05
    ridge = np.linalg.solve(kernel + N * beta * np.eye(N), residual)
    late = 30 / beta
    for got in coefficients(kernel, residual, gradient_flow([late, np.inf], N, beta)):
        assert np.linalg.norm(got - ridge) < 1e-10 * np.linalg.norm(ridge)


def test_the_penalised_flow_is_the_limit_of_euler_steps_in_the_weights() -> None:
    """A linear model with Jacobian J, integrated in its weights by 20,000 midpoint steps to t = 2.

    ``w' = -J^T (r + J w)/n - beta w`` and its outputs on training and test inputs, to 1e-6.
    """
    generator = np.random.default_rng(2)
    train, test = generator.standard_normal((N, 9)), generator.standard_normal((2, 9))
    residual, beta = generator.standard_normal((N, D)), 0.3
    weights, step = np.zeros((9, D)), 2.0 / 20_000

    def slope(w: Array) -> Array:
        pulled: Array = -train.T @ (residual + train @ w) / N - beta * w
        return pulled

    for _ in range(20_000):
        weights = weights + step * slope(weights + step / 2 * slope(weights))
    alpha = coefficients(train @ train.T, residual, gradient_flow([2.0], N, beta))[0]
    assert np.linalg.norm(-test @ train.T @ alpha - test @ weights) < 1e-6
    assert np.linalg.norm(train.T @ alpha + weights) < 1e-6


def test_a_null_mode_does_not_move_and_has_a_finite_coefficient() -> None:
    kernel = np.diag([1.0, 0.0])
    filter_ = gradient_flow([3.0], 2)
    alpha = coefficients(kernel, np.ones((2, 1)), filter_)[0]
    assert alpha[1, 0] == pytest.approx(3.0 / 2, rel=1e-12)
    left = residuals(kernel, np.ones((2, 1)), filter_)[0]
    assert left[1, 0] == 1.0


def network() -> tuple[StochasticNetwork, dict[str, torch.Tensor]]:
    x = np.random.default_rng(4).standard_normal((N, D))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    model = StochasticNetwork(torch.from_numpy(x), 40, 0.5, Smoothing(ACTIVATIONS["erf"], 1.0))
    return model, model.initial_weights((6,))


def test_the_implicit_flow_is_that_of_the_dense_kernel() -> None:
    """On Theta(0) of a network: residuals at five times, to 1e-8."""
    model, weights = network()
    kernel = TangentKernel.of({k: w[0] for k, w in weights.items()}, model.x, model.smoothing)
    start = (model.forward(weights).outputs[0] - model.x).numpy()
    dense = kernel.block().reshape(N * D, N * D).numpy()
    for filter_ in (
        gradient_flow([0.0, 0.5, 4.0, 60.0, 1e4], N),
        gradient_flow([0.5, 3.0, np.inf], N, beta=0.1),
    ):
        got = implicit_residuals(kernel, torch.from_numpy(start), filter_, 1e-10)
        # The dense kernel acts on (n d) numbers as one output.
        left = residuals(dense, start.reshape(-1, 1), filter_).reshape(-1, N, D)
        assert np.abs(got.numpy() - left).max() < 1e-8 * np.linalg.norm(start)


def test_a_flow_that_does_not_converge_says_so() -> None:
    model, weights = network()
    kernel = TangentKernel.of({k: w[0] for k, w in weights.items()}, model.x, model.smoothing)
    start = model.forward(weights).outputs[0] - model.x
    with pytest.raises(UserError, match="after 12 products, not to 1e-12: shorten horizon"):
        implicit_residuals(kernel, start, gradient_flow([1e5], N), 1e-12, most=12)


def test_a_short_run_follows_the_flow_of_its_own_kernel() -> None:
    """Outputs and every weight matrix: to second order in the time.

    Half the time leaves a quarter of the gap to the linear model, within 5%. The gap is 1e-3 of a
    displacement and more, the flow's own error 1e-8.
    """
    model, weights = network()
    first = {k: w[0] for k, w in weights.items()}
    kernel = TangentKernel.of(first, model.x, model.smoothing)
    dense = kernel.block().reshape(N * D, N * D).numpy()
    start = model.forward(weights).outputs[0] - model.x
    gaps = []
    for time in (2e-2, 1e-2):
        gradient = GeneralGradient(model, Objective(model.x), weights)
        recorder = Recorder(gradient.initial, (6,), keep=model)
        state = initial_state(gradient, 1)
        follow(gradient, Moments((0.0, time), 1e-8), recorder, state)
        displacement = Vector.of(state.tensors["displacement"], gradient.shapes).layers
        filter_ = gradient_flow([time], N)
        linear = implicit_residuals(kernel, start, filter_, 1e-13)[0]
        alpha = coefficients(dense, start.numpy().reshape(-1, 1), filter_).reshape(N, D)
        pulled = kernel.pull_back(torch.from_numpy(alpha))
        outputs = float((state.tensors["outputs/1"][0] - model.x - linear).norm())
        gaps.append(
            {"outputs": outputs}
            | {k: float((displacement[k][0] + pulled[k]).norm()) for k in pulled}
        )
    assert gaps[0]["outputs"] < 1e-3 * float(start.norm())
    for name, gap in gaps[0].items():
        assert gap / gaps[1][name] == pytest.approx(4, rel=0.05), name
