"""The stability limit against dense Hessians, and as the threshold that it claims to be.

The reference is the full Hessian, by automatic differentiation twice, of Eq. 4's objective written
out here with a trapezoid rule for the latent's expectation. Its targets are the initial outputs:
the residual vanishes there and the Hessian is the Gauss-Newton matrix exactly.
"""

from collections.abc import Callable
from itertools import pairwise
from math import pi, sqrt

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.errors import UserError
from vaentk.models.forward import Model, Weights
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training.descent import descend, initial_state
from vaentk.training.gradient import GeneralGradient
from vaentk.training.objectives import Objective
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Descent
from vaentk.training.stability import stability_limit

XI = torch.arange(-9, 9.01, 0.125, dtype=torch.float64)
DENSITY = torch.exp(-XI.square() / 2) / sqrt(2 * pi) / 8


def inputs(samples: int, outputs: int) -> Tensor:
    generator = torch.Generator().manual_seed(11)
    x = torch.randn((samples, outputs), generator=generator, dtype=torch.float64)
    return x / x.norm(dim=1, keepdim=True)


def smoothed(phi: Callable[[Tensor], Tensor], mean: Tensor, variance: Tensor) -> Tensor:
    return phi(mean[..., None] + variance.sqrt()[..., None] * XI) @ DENSITY


def brute_snn(x: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    mean, variance = x @ weights["mu"].T, x.square() @ weights["sigma"].square().T
    width = weights["d"].shape[0]
    return smoothed(torch.erf, mean, variance) @ weights["d"] / sqrt(width), mean, variance


def brute_mlp(x: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    width = weights["hid"].shape[0]
    first = torch.tanh(x @ weights["enc"].T)
    second = torch.tanh(first @ weights["hid"].T / sqrt(width))
    mean = second @ weights["mu"].T / sqrt(width)
    variance = second.square() @ weights["sigma"].square().T / width
    return smoothed(torch.tanh, mean, variance) @ weights["dec"].T / sqrt(width), mean, variance


def build(kind: str, x: Tensor, width: int) -> Model:
    if kind == "snn":
        return StochasticNetwork(x, width, 0.5, Smoothing(ACTIVATIONS["erf"], 1.0))
    tanh = ACTIVATIONS["tanh"]
    return MlpVae(x, width, 0.5, tanh, Smoothing(tanh, 1.0))


@pytest.mark.parametrize(("kind", "samples", "width"), [("snn", 4, 9), ("mlp", 5, 6)])
@pytest.mark.parametrize("beta", [0.0, 0.3, 30.0])
def test_limit_is_that_of_the_dense_hessian(
    kind: str, samples: int, width: int, beta: float
) -> None:
    """Within 1%, the accuracy that `RELATIVE_ERROR` states."""
    x = inputs(samples, 3)
    model = build(kind, x, width)
    initial = model.initial_weights((7,))
    brute = brute_snn if kind == "snn" else brute_mlp
    names = list(initial)
    shapes = [initial[name].shape[1:] for name in names]
    flat = torch.cat([initial[name][0].flatten() for name in names])
    sizes = [shape.numel() for shape in shapes]

    def unflatten(vector: Tensor) -> Weights:
        parts = vector.split(sizes)
        return {n: p.reshape(s) for n, p, s in zip(names, parts, shapes, strict=True)}

    targets, mean0, variance0 = brute(x, unflatten(flat))

    def loss(vector: Tensor) -> Tensor:
        outputs, mean, variance = brute(x, unflatten(vector))
        kl = kl_divergence(Normal(mean, variance.sqrt()), Normal(mean0, variance0.sqrt()))
        return ((outputs - targets).square().sum() / 2 + beta * kl.sum()) / samples

    hessian = torch.autograd.functional.hessian(loss, flat)
    assert isinstance(hessian, Tensor)
    expected = 2 / float(torch.linalg.eigvalsh(hessian)[-1])
    assert stability_limit(model, initial, beta) == pytest.approx(expected, rel=0.01)


def test_kl_term_lowers_the_limit() -> None:
    model = build("mlp", inputs(5, 3), 6)
    initial = model.initial_weights((0,))
    limits = [stability_limit(model, initial, beta) for beta in (0.0, 1.0, 100.0)]
    assert limits[0] > limits[1] > limits[2]


def test_limit_is_the_same_in_float32() -> None:
    """Within twice the stated 1%."""
    x = inputs(8, 5)
    double, single = build("mlp", x, 64), build("mlp", x.float(), 64)
    expected = stability_limit(double, double.initial_weights((3,)), 0.01)
    got = stability_limit(single, single.initial_weights((3,)), 0.01)
    assert got == pytest.approx(expected, rel=0.02)


def trained(
    model: Model, objective: Objective, schedule: Descent, seeds: tuple[int, ...]
) -> list[float]:
    """Return the losses of all members at the recorded steps."""
    gradient = GeneralGradient(model, objective, model.initial_weights(seeds))
    recorder = Recorder(gradient.initial, seeds)
    done = descend(gradient, schedule, recorder, initial_state(gradient, len(seeds)))
    return [record["loss"] for record in done.records]


def near_fit() -> tuple[Model, Objective, float]:
    """Build a problem in the linear regime: targets within 1e-6 of the initial outputs."""
    x = inputs(8, 4)
    model = build("snn", x, 64)
    initial = model.initial_weights((5,))
    outputs = model.forward(initial).outputs[0]
    nudge = torch.randn(
        outputs.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    limit = stability_limit(model, initial)
    return model, Objective(outputs + 1e-6 * nudge), limit


def test_descent_settles_below_the_limit_and_grows_above_it() -> None:
    """At 0.95 of the limit the residual's top mode shrinks by .9 a step, at 1.05 it grows by 1.1.

    In 40 steps its part of the loss, some 1/32, grows 1.1^80 = 2048 times.
    """
    model, objective, limit = near_fit()
    losses = {
        fraction: trained(model, objective, Descent(fraction * limit, 40, (0, 40)), (5,))
        for fraction in (0.95, 1.05)
    }
    assert losses[0.95][-1] < losses[0.95][0]
    assert losses[1.05][-1] > 20 * losses[1.05][0]


def test_descent_just_below_the_limit_does_not_blow_up() -> None:
    """A wide network (linear regime) on its inputs, at 0.9 of the limit: the loss only falls."""
    x = inputs(8, 4)
    model = build("snn", x, 4096)
    rate = 0.9 * stability_limit(model, model.initial_weights((0,)))
    losses = trained(model, Objective(x), Descent(rate, 128, tuple(range(0, 129, 4))), (0,))
    assert all(late < early for early, late in pairwise(losses))


@pytest.mark.parametrize("kind", ["snn", "mlp"])
def test_divergence_names_time_seed_and_what_to_do(kind: str) -> None:
    """Seen 64 steps on, where losses are looked at between two records."""
    x = inputs(8, 4)
    model = build(kind, x, 64)
    rate = 1000 * stability_limit(model, model.initial_weights((4,)))
    with pytest.raises(UserError) as caught:
        trained(model, Objective(x), Descent(rate, 1000, (0, 1000)), (4, 9))
    message = str(caught.value)
    assert f"diverged by time {64 * rate:.4g} " in message
    assert "the loss of seed 4 went from " in message
    assert message.endswith("lower learning_rate, or accuracy")
    assert "\n" not in message


def test_overflow_is_divergence() -> None:
    """Linear units at a step of 1e200 overflow float64, seen at the next recorded step."""
    x = inputs(8, 4)
    model = StochasticNetwork(x, 64, 0.5, Smoothing(ACTIVATIONS["identity"], 1.0))
    with pytest.raises(UserError, match=r"diverged by time 5e\+200 .* to (nan|inf);"):
        trained(model, Objective(x), Descent(1e200, 1000, (0, 5, 1000)), (0,))
