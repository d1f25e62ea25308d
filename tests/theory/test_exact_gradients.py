"""Exact expectations and gradients of both networks against brute force in float64.

The reference writes the networks out again and integrates over the latent noise by an explicit
rule: a trapezoid in the noise for smooth activations, Gauss-Legendre from the kink for ReLU.
Autograd differentiates that rule; nothing in it uses Stein's lemma or the library's closed forms.
"""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.models.forward import Cotangent, Forward, Weights
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training.objectives import Objective

SEEDS = (0, 1)
N, D = 5, 4
PHI: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "erf": torch.erf,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "soft_clipping": lambda z: (
        (torch.nn.functional.softplus(2 * z + 2) - torch.nn.functional.softplus(2 * z - 2)) / 2 - 1
    ),
    "leaky_relu": torch.nn.functional.leaky_relu,
    "gelu": torch.nn.functional.gelu,
    "softplus": torch.nn.functional.softplus,
    "sigmoid": torch.sigmoid,
}
# Step 1/16 over 10 deviations: poles lie at least (pi/2)/s > 0.5 away, error below exp(-50).
XI = torch.arange(-10, 10.01, 1 / 16, dtype=torch.float64)
DENSITY = torch.exp(-XI.square() / 2) / sqrt(2 * pi) / 16
LEGENDRE = [torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(200)]


def integral(name: str, mean: Tensor, variance: Tensor) -> Tensor:
    """Integrate ``phi`` against the density of ``N(mean, variance)``, elementwise."""
    mean, std = mean[..., None], variance.sqrt()[..., None]
    if name in ("relu", "leaky_relu"):  # from the kink, in deviations, to 10 of them
        kink = (-mean / std).clamp(-10, 10)
        xi = kink + (10 - kink) / 2 * (LEGENDRE[0] + 1)
        density = torch.exp(-xi.square() / 2) / sqrt(2 * pi)
        above = ((10 - kink) / 2 * LEGENDRE[1] * (mean + std * xi) * density).sum(dim=-1)
        return above if name == "relu" else 0.99 * above + 0.01 * mean[..., 0]
    return PHI[name](mean + std * XI) @ DENSITY


def random_like(initial: Weights, scale: float) -> Weights:
    """Return weights in general position: W_sigma of both signs, no two entries alike."""
    generator = torch.Generator().manual_seed(5)
    return {
        name: (weight if name != "sigma" else 0)
        + scale * torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        for name, weight in initial.items()
    }


def inputs() -> Tensor:
    x = torch.randn((N, D), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return x / x.norm(dim=1, keepdim=True)


def brute_snn(name: str, x: Tensor, w: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Eqs. 2 and 3 of one member."""
    mean = torch.einsum("ra,ia->ir", w["mu"], x)
    variance = torch.einsum("ra,ia->ir", w["sigma"] ** 2, x**2)
    outputs = torch.einsum("ir,rk->ik", integral(name, mean, variance), w["d"])
    return outputs / sqrt(len(w["mu"])), mean, variance


def brute_mlp(name: str, x: Tensor, w: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Section 5's network of one member."""
    m = len(w["hid"])
    first = PHI[name](torch.einsum("ra,ia->ir", w["enc"], x))
    second = PHI[name](torch.einsum("ra,ia->ir", w["hid"], first) / sqrt(m))
    mean = torch.einsum("ra,ia->ir", w["mu"], second) / sqrt(m)
    variance = torch.einsum("ra,ia->ir", w["sigma"] ** 2, second**2) / m
    outputs = torch.einsum("ir,kr->ik", integral(name, mean, variance), w["dec"]) / sqrt(m)
    return outputs, mean, variance


Case = tuple[
    StochasticNetwork | MlpVae, Callable[[str, Tensor, Weights], tuple[Tensor, Tensor, Tensor]]
]


def case(kind: str, name: str) -> Case:
    x = inputs()
    activation = ACTIVATIONS[name]
    smoothing = Smoothing(activation, 1.5)
    if kind == "snn":
        return StochasticNetwork(x, 7, 0.5, smoothing), brute_snn
    return MlpVae(x, 6, 0.5, activation, smoothing), brute_mlp


def relative(got: Tensor, want: Tensor) -> float:
    return float((got - want).norm() / want.norm())


@pytest.mark.parametrize("kind", ["snn", "mlp"])
@pytest.mark.parametrize("name", sorted(PHI))
@pytest.mark.parametrize("beta", [0.0, 0.7])
def test_outputs_and_gradients_equal_brute_force(kind: str, name: str, beta: float) -> None:
    """Every weight matrix of every member, to 1e-8 of its gradient's norm (measured: 1e-11)."""
    model, brute = case(kind, name)
    initial = model.initial_weights(SEEDS)
    weights = random_like(initial, 0.5)
    targets = torch.randn((N, D), generator=torch.Generator().manual_seed(9)).double()
    objective = Objective(targets, beta, model.forward(initial))
    forward = model.forward(weights)
    value = objective.value(forward.outputs - targets, forward.mean, forward.variance, {})
    cotangent = objective.cotangent(forward)
    gradients = model.gradients(weights, forward, cotangent)
    assert set(gradients) == set(weights)
    for member in range(len(SEEDS)):
        leaves = {k: w[member].clone().requires_grad_() for k, w in weights.items()}
        outputs, mean, variance = brute(name, model.x, leaves)
        _, mean0, variance0 = brute(name, model.x, {k: w[member] for k, w in initial.items()})
        loss = (outputs - targets).square().sum() / (2 * N)
        kl = kl_divergence(Normal(mean, variance.sqrt()), Normal(mean0, variance0.sqrt()))
        loss = loss + beta * kl.sum() / N
        expected = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        assert relative(forward.outputs[member], outputs.detach()) < 1e-10
        assert relative(forward.mean[member], mean.detach()) < 1e-12
        assert relative(forward.variance[member], variance.detach()) < 1e-12
        assert float(value.total[member]) == pytest.approx(float(loss.detach()), rel=1e-10)
        for layer, want in zip(leaves, expected, strict=True):
            got = gradients[layer].dense()[member]
            if name == "identity" and layer == "sigma" and beta == 0:
                # A linear network's expectation does not see the noise.
                assert torch.equal(got, torch.zeros_like(got))
                continue
            assert want is not None
            assert relative(got, want) < 1e-8, (layer, relative(got, want))


@pytest.mark.parametrize("kind", ["snn", "mlp"])
def test_initial_weights_are_those_of_the_paper(kind: str) -> None:
    """N(0, 1) means and variances within 4.5 errors, W_sigma constant, shapes fan-out x fan-in."""
    x = torch.nn.functional.normalize(torch.ones(3, 50, dtype=torch.float64))
    tanh = ACTIVATIONS["tanh"]
    smoothing = Smoothing(tanh, 0.5, 1e-6)
    model: StochasticNetwork | MlpVae
    if kind == "snn":
        model = StochasticNetwork(x, 400, 0.3, smoothing)
        shapes = {"mu": (400, 50), "sigma": (400, 50), "d": (400, 50)}
    else:
        model = MlpVae(x, 400, 0.3, tanh, smoothing)
        square = (400, 400)
        shapes = {"enc": (400, 50), "hid": square, "mu": square, "sigma": square, "dec": (50, 400)}
    weights = model.initial_weights((8,))
    assert {name: tuple(weight.shape[1:]) for name, weight in weights.items()} == shapes
    for name, weight in weights.items():
        if name == "sigma":
            assert torch.equal(weight, torch.full_like(weight, 0.3))
            continue
        error = 1 / sqrt(weight.numel())
        assert abs(float(weight.mean())) < 4.5 * error
        assert abs(float(weight.var()) - 1) < 4.5 * sqrt(2) * error


@pytest.mark.parametrize("name", ["erf", "relu", "tanh"])
def test_exact_outputs_equal_the_mean_over_all_the_noise(name: str) -> None:
    """Eq. 3 with a whole zeta_r in R^d for every unit, 40,000 draws: every output |z| < 4.5."""
    model, _ = case("snn", name)
    assert isinstance(model, StochasticNetwork)
    weights = random_like(model.initial_weights((0,)), 0.5)
    mu, sigma, d = (weights[k][0] for k in ("mu", "sigma", "d"))
    generator = torch.Generator().manual_seed(12)
    zeta = torch.randn((40_000, *mu.shape), generator=generator, dtype=torch.float64)
    latent = torch.einsum("tra,ia->tir", mu + sigma * zeta, model.x)
    draws = PHI[name](latent) @ d / sqrt(len(mu))
    check_within_error(model.forward(weights), draws)


def check_within_error(forward: Forward, draws: Tensor) -> None:
    error = draws.std(dim=0) / sqrt(len(draws))
    assert float(error.max()) < 0.01
    assert float(((draws.mean(dim=0) - forward.outputs[0]) / error).abs().max()) < 4.5


@pytest.mark.parametrize("kind", ["snn", "mlp"])
@pytest.mark.parametrize("name", ["erf", "tanh", "relu"])
def test_pushing_forward_is_the_directional_derivative(kind: str, name: str) -> None:
    """Central differences of outputs, mean and variance, to 1e-7 of each; and the transpose.

    ``<J u, v> = <u, J^T v>`` to 1e-12 for random u and v ties it to the gradients.
    """
    model, _ = case(kind, name)
    weights = random_like(model.initial_weights(SEEDS), 0.5)
    direction = random_like({name: 0 * w for name, w in weights.items()}, 1.0)
    forward = model.forward(weights)
    tangent = model.push_forward(weights, forward, direction)
    h = 1e-5
    ahead, behind = (
        model.forward({k: w + sign * h * direction[k] for k, w in weights.items()})
        for sign in (1, -1)
    )
    for part in ("outputs", "mean", "variance"):
        slope = (getattr(ahead, part) - getattr(behind, part)) / (2 * h)
        assert relative(getattr(tangent, part), slope) < 1e-7, part
    generator = torch.Generator().manual_seed(8)
    v = torch.randn(forward.outputs.shape, generator=generator, dtype=torch.float64)
    pulled = model.gradients(weights, forward, Cotangent(v))
    back = sum(float((g.dense() * direction[k]).sum()) for k, g in pulled.items())
    assert float((tangent.outputs * v).sum()) == pytest.approx(back, rel=1e-12)
