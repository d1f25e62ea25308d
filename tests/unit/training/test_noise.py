"""The noise of one fresh zeta a step: its mean, its covariance and what one step of it costs."""

from math import pi, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import solve_continuous_lyapunov
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.kernels.limit import limit_kernels
from vaentk.models.erf_variance import mean_erf_variance
from vaentk.models.forward import Cotangent, Weights
from vaentk.models.latent import Latent, Mirrored, Sampled
from vaentk.models.snn import LAYERS, StochasticNetwork
from vaentk.training.elbo import ElboGradient
from vaentk.training.gradient import GeneralGradient, Vector
from vaentk.training.noise import output_noise
from vaentk.training.objectives import Objective

ERF = ACTIVATIONS["erf"]
DRAWS = 20_000
WIDTH, SHAPE = 5, (3, 4)


def network(latent: Latent | None = None, trained: tuple[str, ...] = LAYERS) -> StochasticNetwork:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    x /= x.norm(dim=1, keepdim=True)
    return StochasticNetwork(x, WIDTH, 0.6, latent or Smoothing(ERF, 2.0), trained)


def weights_of(members: int = 1) -> Weights:
    """Weights of one network, all entries unequal, as many times as asked."""
    generator = torch.Generator().manual_seed(4)
    moved = {}
    for name, weight in network().initial_weights((3,)).items():
        noise = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        moved[name] = (weight + 0.3 * noise).expand(members, -1, -1).clone()
    return moved


def expected(flat: Tensor) -> Tensor:
    """Evaluate the ELBO's reconstruction by Gauss-Hermite quadrature, so that autograd follows."""
    mu, sigma, d = flat.view(3, WIDTH, SHAPE[1])
    x = network().x
    nodes, masses = np.polynomial.hermite_e.hermegauss(60)
    xi, mass = torch.from_numpy(nodes), torch.from_numpy(masses / sqrt(2 * pi))
    deviation = (x.square() @ sigma.square().T).sqrt()
    z = (x @ mu.T)[..., None] + deviation[..., None] * xi
    mean, square = torch.erf(z) @ mass, torch.erf(z).square() @ mass
    residual = mean @ d / sqrt(WIDTH) - x
    spread = ((square - mean.square()) @ d.square().sum(dim=1)).sum() / WIDTH
    return (residual.square().sum() + spread) / (2 * len(x))


def flat_of(weights: Weights) -> Tensor:
    return torch.cat([weights[name][0].flatten() for name in LAYERS])


def sampled_gradients(latent: type[Sampled | Mirrored] = Sampled) -> Tensor:
    """Gradients of as many draws, a member each, (DRAWS, P)."""
    model = network(latent(ERF, tuple(range(DRAWS))))
    gradient = GeneralGradient(model, Objective(model.x), weights_of(DRAWS))
    gradient.start_from(Vector.zero(gradient.shapes, DRAWS, model.x))
    gradient.evaluate(step=7)
    found = Vector.zero(gradient.shapes, DRAWS, model.x)
    gradient.add_to_(found, 1.0)
    return found.flat


@pytest.fixture(scope="module")
def gradients() -> Tensor:
    return sampled_gradients()


def exact_gradient() -> Tensor:
    model = network()
    gradient = ElboGradient(model, Objective(model.x), weights_of())
    gradient.start_from(Vector.zero(gradient.shapes, 1, model.x))
    gradient.evaluate()
    found = Vector.zero(gradient.shapes, 1, model.x)
    gradient.add_to_(found, 1.0)
    return found.flat[0]


def test_the_sampled_gradient_is_that_of_the_elbo_in_the_mean(gradients: Tensor) -> None:
    """Within five standard errors of 20,000 draws, every entry; the exact one is autograd's too."""
    exact = exact_gradient()
    flat = flat_of(weights_of()).requires_grad_()
    (by_autograd,) = torch.autograd.grad(expected(flat), flat)
    assert torch.allclose(exact, by_autograd, rtol=1e-9, atol=1e-11)
    error = gradients.std(dim=0) / sqrt(DRAWS)
    assert ((gradients.mean(dim=0) - exact).abs() < 5 * error).all()
    # So close that the gradient of Eq. 7, which lacks the variance term, would be refused.
    assert error.norm() < 0.03 * exact.norm()


def test_mirrored_noise_has_the_same_law_and_cancels_the_first_order(gradients: Tensor) -> None:
    """Mean and covariance agree; their average varies by less than that of two independent ones."""
    other = sampled_gradients(Mirrored)
    error = gradients.std(dim=0) / sqrt(DRAWS)
    assert ((other.mean(dim=0) - exact_gradient()).abs() < 5 * error).all()
    traces = [part.var(dim=0).sum() for part in (gradients, other)]
    assert float(traces[0] / traces[1]) == pytest.approx(1, abs=0.05)
    average = ((gradients + other) / 2).var(dim=0).sum()
    assert average < 0.8 * traces[0] / 2


@pytest.mark.parametrize("trained", [LAYERS, ("mu", "d"), ("mu",)])
def test_the_output_noise_is_the_trace_by_an_explicit_jacobian(trained: tuple[str, ...]) -> None:
    """In float64; the variance of a unit by quadrature: to a part in 10^8."""
    weights = weights_of()
    model, x = network(trained=trained), network().x
    names = [name for name in LAYERS if name in trained]

    rest: Any = {name: weights[name][0] for name in LAYERS}

    def mean_of(*layers: Tensor) -> Tensor:
        own = rest | dict(zip(names, layers, strict=True))
        variance = x.square() @ own["sigma"].square().T
        smoothed = torch.erf(x @ own["mu"].T / (1 + 2 * variance).sqrt())
        return smoothed @ own["d"] / sqrt(WIDTH)

    jacobians = torch.autograd.functional.jacobian(mean_of, tuple(rest[name] for name in names))
    jacobian = torch.cat([part.flatten(start_dim=2) for part in jacobians], dim=2)  # n, d, P
    nodes, masses = np.polynomial.hermite_e.hermegauss(80)
    deviation = (x.square() @ rest["sigma"].square().T).sqrt()
    values = torch.erf((x @ rest["mu"].T)[..., None] + deviation[..., None] * torch.tensor(nodes))
    mass = torch.tensor(masses / sqrt(2 * pi))
    spread = values.square() @ mass - (values @ mass).square()
    covariance = torch.einsum("nm,mk,ml->nkl", spread, rest["d"], rest["d"]) / WIDTH
    kernels = jacobian @ jacobian.mT
    trace = torch.einsum("nkl,nlk->", kernels, covariance) / len(x) ** 2
    found = output_noise(model, weights)
    assert float(found[0]) == pytest.approx(float(trace), rel=1e-8)


def test_the_output_noise_is_that_of_drawn_outputs_pulled_back() -> None:
    """Within five standard errors of 20,000 draws, which are below a thirtieth of it."""
    exact, weights = network(), weights_of(DRAWS)
    drawn = network(Sampled(ERF, tuple(range(DRAWS)))).forward(weights, 3).outputs
    forward = exact.forward(weights)
    noise = Cotangent((drawn - forward.outputs) / len(exact.x))
    squares = torch.zeros(DRAWS, dtype=torch.float64)
    for layer in exact.gradients(weights, forward, noise).values():
        squares += layer.dense().square().sum(dim=(1, 2))
    error = float(squares.std()) / sqrt(DRAWS)
    found = float(output_noise(exact, weights_of())[0])
    assert 5 * error < found / 30
    assert abs(float(squares.mean()) - found) < 5 * error


def test_one_sampled_step_costs_half_the_trace_of_hessian_and_covariance(
    gradients: Tensor,
) -> None:
    """``E L(w - lr g) - L(w - lr grad L) = lr^2/2 tr(H C)``; third order at lr = 0.02: 5%.

    Both sides use the same draws, so that chance cancels.
    """
    rate, flat = 0.02, flat_of(weights_of())
    hessian = torch.autograd.functional.hessian(expected, flat)
    exact = exact_gradient()
    off = gradients - exact
    predicted = rate**2 / 2 * float(torch.einsum("sp,pq,sq->", off, hessian, off)) / DRAWS
    model = network()
    gradient = ElboGradient(model, Objective(model.x), weights_of(DRAWS))
    gradient.start_from(Vector.of(-rate * gradients, gradient.shapes))
    losses = gradient.observe().value.total
    single = ElboGradient(model, Objective(model.x), weights_of())
    single.start_from(Vector.of(-rate * exact[None], single.shapes))
    # What the draws' own mean is off the exact gradient counts in first order: it is taken out.
    slope = exact - rate * hessian @ exact
    first = -rate * float(off.mean(dim=0) @ slope)
    more = float(losses.mean() - single.observe().value.total[0]) - first
    assert more == pytest.approx(predicted, rel=0.05)


def test_noise_in_balance_costs_a_quarter_of_its_trace_times_the_learning_rate() -> None:
    """``H S + S H = lr C`` has ``tr(H S)/2 = lr/4 tr C`` whatever H and C."""
    generator = np.random.default_rng(0)
    factors = generator.standard_normal((2, 6, 6))
    hessian, covariance = (factor @ factor.T for factor in factors)
    spread = solve_continuous_lyapunov(hessian, 0.1 * covariance)
    assert np.trace(hessian @ spread) / 2 == pytest.approx(0.1 / 4 * np.trace(covariance))


def test_a_wide_network_has_the_output_noise_of_its_limit() -> None:
    """``(d/n^2) sum_i K_ii Var phi``; 4096 units vary by a fiftieth, and d/m is a hundredth."""
    generator = np.random.default_rng(1)
    x = generator.random((6, 49))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    model = StochasticNetwork(torch.from_numpy(x), 4096, 0.5, Smoothing(ERF, 1.0))
    found = output_noise(model, model.initial_weights((0, 1, 2))).mean()
    trace = np.trace(limit_kernels(ERF, 0.5, x).total)
    assert float(found) == pytest.approx(49 / 36 * trace * mean_erf_variance(0.5), rel=0.03)
