"""The ELBO's reconstruction term against sampled noise, its gradient against differences."""

from math import sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.elbo import Elbo
from vaentk.experiments.ntk.networks import eq7_problem
from vaentk.models.forward import Weights
from vaentk.models.snn import LAYERS, StochasticNetwork
from vaentk.training.elbo import ElboGradient, ElboProblem, variance_term
from vaentk.training.gradient import Vector
from vaentk.training.objectives import Objective
from vaentk.training.schedule import Moments

SEEDS = (3, 8)
WIDTH = 6


def network(trained: tuple[str, ...] = LAYERS) -> StochasticNetwork:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((5, 4), generator=generator, dtype=torch.float64)
    x /= x.norm(dim=1, keepdim=True)
    return StochasticNetwork(x, WIDTH, 0.6, Smoothing(ACTIVATIONS["erf"], 1.0), trained)


def gradient_of(trained: tuple[str, ...] = LAYERS) -> ElboGradient:
    model = network(trained)
    return ElboGradient(model, Objective(model.x), model.initial_weights(SEEDS))


def draw(gradient: ElboGradient, seed: int) -> Vector:
    zero = Vector.zero(gradient.shapes, len(SEEDS), gradient.initial["mu"])
    generator = torch.Generator().manual_seed(seed)
    zero.flat.copy_(0.3 * torch.randn(zero.flat.shape, generator=generator, dtype=torch.float64))
    return zero


def loss(gradient: ElboGradient, displacement: Vector) -> Tensor:
    gradient.start_from(displacement)
    return gradient.observe().value.total


def sampled(model: StochasticNetwork, weights: Weights, draws: int) -> np.ndarray:
    """Half the squared error of Eq. 2's network for drawn noise, mean over samples: (draws,)."""
    mu, sigma, d = (weights[name][0].numpy() for name in LAYERS)
    x = model.x.numpy()
    generator = np.random.default_rng(1)
    losses = np.zeros(draws)
    for row in x:  # independent noise a unit, and anew for every sample
        zeta = generator.standard_normal((draws, *mu.shape))
        z = torch.from_numpy((mu + sigma * zeta) @ row)
        outputs = torch.erf(z).numpy() @ d / sqrt(len(mu))
        losses += np.sum((outputs - row) ** 2, axis=1) / (2 * len(x))
    return losses


def test_it_is_the_mean_of_the_squared_error_over_the_noise() -> None:
    """Within five standard errors of 100,000 draws, which are a hundredth of the variance term."""
    model, gradient = network(), gradient_of()
    gradient.start_from(draw(gradient, 5))
    seen = gradient.observe()
    losses = sampled(model, seen.weights, 100_000)
    error = losses.std() / sqrt(len(losses))
    term = float(variance_term(model, seen.weights)[0])
    assert 5 * error < 0.05 * term
    assert abs(losses.mean() - float(seen.value.total[0])) < 5 * error
    assert float(seen.value.total[0] - seen.value.reconstruction[0]) == pytest.approx(term)


@pytest.mark.parametrize("trained", [LAYERS, ("mu", "d"), ("mu",)])
@pytest.mark.parametrize("moved", [False, True])
def test_its_gradient_is_a_central_difference(trained: tuple[str, ...], moved: bool) -> None:
    """In float64 with a step of 1e-5: errors of its square and of rounding over it."""
    gradient = gradient_of(trained)
    base, increment = draw(gradient, 5), draw(gradient, 6)
    gradient.start_from(base)
    gradient.evaluate(increment if moved else None)
    found = draw(gradient, 7)
    before = found.flat.clone()
    gradient.add_to_(found, -0.4, 0.7)
    slope = (0.7 * before - found.flat) / 0.4
    place = base.flat + increment.flat if moved else base.flat
    step = 1e-5
    for entry in range(0, place.shape[1], 3):
        ends = []
        for sign in (1, -1):
            flat = place.clone()
            flat[:, entry] += sign * step
            ends.append(loss(gradient, Vector.of(flat, gradient.shapes)))
        difference = (ends[0] - ends[1]) / (2 * step)
        assert torch.allclose(slope[:, entry], difference, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_problem_has_it_at_the_initial_weights_of_eq_7(dtype: str) -> None:
    """Both objectives start from one network; single precision is right to its rounding."""
    settings = Elbo.from_plain({"widths": [8, 16], "inputs": {"samples": 5, "resolution": 7}})
    x = np.random.default_rng(0).random((5, 49))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    mean = eq7_problem(settings, 8, x, dtype, "cpu", Moments((0.0,), 1e-3))
    gradients = mean.gradient(SEEDS), ElboProblem(**vars(mean)).gradient(SEEDS)
    first, second = (gradient.observe() for gradient in gradients)
    assert torch.equal(first.value.reconstruction, second.value.reconstruction)
    for name, weight in first.weights.items():
        assert torch.equal(weight, second.weights[name])
    exact = float(second.value.total[0] - second.value.reconstruction[0])
    assert exact == pytest.approx(float(variance_term(mean.model(), second.weights)[0]), rel=1e-5)


def test_a_wide_network_starts_at_the_floor() -> None:
    """Units vary, so that the mean over 4096 of them is right to a hundredth."""
    from vaentk.models.erf_variance import mean_erf_variance

    x = torch.eye(49, dtype=torch.float64)[:3]
    model = StochasticNetwork(x, 4096, 0.5, Smoothing(ACTIVATIONS["erf"], 1.0))
    term = float(variance_term(model, model.initial_weights((0,)))[0])
    assert term == pytest.approx(49 * mean_erf_variance(0.5) / 2, rel=0.02)
