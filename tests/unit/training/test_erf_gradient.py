"""The quick gradient of Eq. 2's network with erf against the general one."""

from math import nan

import pytest
import torch

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.models.forward import Forward
from vaentk.models.snn import LAYERS, StochasticNetwork
from vaentk.training.erf_gradient import ErfGradient, fits
from vaentk.training.gradient import GeneralGradient, Vector
from vaentk.training.objectives import Objective

SEEDS = (3, 8)
WIDTH = 12

TRAINED = pytest.mark.parametrize("trained", [LAYERS, ("mu", "d"), ("mu",)])
PENALTY = pytest.mark.parametrize("penalty", [0.0, 0.3])


def network(
    dtype: torch.dtype, trained: tuple[str, ...] = LAYERS, activation: str = "erf"
) -> StochasticNetwork:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((7, 5), generator=generator, dtype=torch.float64)
    x = (x / x.norm(dim=1, keepdim=True)).to(dtype)
    smoothing = Smoothing(ACTIVATIONS[activation], 0.9, 1e-9)
    return StochasticNetwork(x, WIDTH, 0.6, smoothing, trained)


def gradients(
    dtype: torch.dtype, trained: tuple[str, ...], penalty: float
) -> tuple[ErfGradient, GeneralGradient]:
    """The quick gradient in a precision, and the general one in double precision."""
    model, double = network(dtype, trained), network(torch.float64, trained)
    initial = model.initial_weights(SEEDS)
    quick = ErfGradient(model, Objective(model.x, penalty=penalty), initial)
    objective = Objective(double.x, penalty=penalty)
    return quick, GeneralGradient(double, objective, double.initial_weights(SEEDS))


def draw(gradient: ErfGradient | GeneralGradient, seed: int) -> Vector:
    """Draw a vector, the same numbers in every precision."""
    zero = Vector.zero(gradient.shapes, len(SEEDS), gradient.initial["mu"])
    generator = torch.Generator().manual_seed(seed)
    zero.flat.copy_(0.2 * torch.randn(zero.flat.shape, generator=generator, dtype=torch.float64))
    return zero


@TRAINED
@PENALTY
@pytest.mark.parametrize("keep", [0.0, 1.0, -0.7])
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-13), (torch.float32, 2e-6)])
def test_it_is_the_general_gradient(
    trained: tuple[str, ...],
    penalty: float,
    keep: float,
    moved: bool,
    dtype: torch.dtype,
    within: float,
) -> None:
    """To some dozens of roundings, at the base point and away from it."""
    found = []
    for gradient in gradients(dtype, trained, penalty):
        gradient.start_from(draw(gradient, 5))
        gradient.evaluate(draw(gradient, 6) if moved else None)
        target = draw(gradient, 7)
        if keep == 0:
            target.flat.fill_(nan)
        gradient.add_to_(target, -0.4, keep)
        found.append(target.flat.double())
    assert torch.allclose(*found, rtol=0, atol=within * float(found[1].abs().max()))


@TRAINED
@PENALTY
def test_it_observes_the_base_point(trained: tuple[str, ...], penalty: float) -> None:
    seen = []
    for gradient in gradients(torch.float64, trained, penalty):
        gradient.start_from(draw(gradient, 5))
        gradient.evaluate(draw(gradient, 6))
        seen.append(gradient.observe())
    quick, general = seen
    assert torch.allclose(quick.value.total, general.value.total, rtol=1e-14)
    assert torch.allclose(quick.latent_std, general.latent_std, rtol=1e-14)
    assert set(quick.displacement) == set(trained)


def test_initial_weights_are_left_as_they_are() -> None:
    model = network(torch.float64)
    initial = model.initial_weights(SEEDS)
    before = {name: weight.clone() for name, weight in initial.items()}
    gradient = ErfGradient(model, Objective(model.x), initial)
    gradient.start_from(draw(gradient, 5))
    gradient.evaluate(draw(gradient, 6))
    for name, weight in before.items():
        assert torch.equal(initial[name], weight)
        assert torch.equal(gradient.initial[name], weight)


def test_it_serves_erf_in_expectation_and_no_kl_term() -> None:
    model = network(torch.float32)
    start: Forward = model.forward(model.initial_weights(SEEDS))
    assert fits(model, Objective(model.x))
    assert fits(model, Objective(model.x, penalty=0.1))
    assert not fits(model, Objective(model.x, 0.1, start))
    assert not fits(network(torch.float32, activation="tanh"), Objective(model.x))
