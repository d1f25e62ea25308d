"""The quick gradient of Figure 2's network against the general one."""

import gc
import weakref
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.models.forward import Weights
from vaentk.models.latent import Noiseless, Sampled
from vaentk.models.mlp_vae import MlpVae
from vaentk.training.gradient import GeneralGradient, Vector
from vaentk.training.graph import Graph
from vaentk.training.objectives import Objective
from vaentk.training.vae_gradient import TanhVaeGradient, fits

TANH = ACTIVATIONS["tanh"]
SEEDS = (3, 8)
SAMPLES, WIDTH = 10, 24

INPUTS = pytest.mark.parametrize("inputs", [5, 6])
"""10 samples: the first layer is kept by its dual from 6 inputs on."""


def mlp(dtype: torch.dtype, inputs: int = 6, device: str = "cpu") -> MlpVae:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((SAMPLES, inputs), generator=generator, dtype=torch.float64)
    x = (x / x.norm(dim=1, keepdim=True)).to(device, dtype)
    return MlpVae(x, WIDTH, 0.5, TANH, Smoothing(TANH, 0.6, 1e-12))


def problem(model: MlpVae, beta: float) -> tuple[Weights, Objective]:
    initial = model.initial_weights(SEEDS)
    return initial, Objective(model.x, beta, model.forward(initial) if beta else None)


def both(dtype: torch.dtype, inputs: int, beta: float) -> tuple[TanhVaeGradient, GeneralGradient]:
    """The quick gradient in a precision, and the general one in double precision."""
    model, double = mlp(dtype, inputs), mlp(torch.float64, inputs)
    initial, objective = problem(model, beta)
    quick = TanhVaeGradient(model, objective, initial, 1e-12 if dtype == torch.float64 else 5e-7)
    initial, objective = problem(double, beta)
    return quick, GeneralGradient(double, objective, initial)


def draw(gradient: TanhVaeGradient | GeneralGradient, seed: int, scale: float = 0.05) -> Vector:
    """Draw a vector, the same numbers in every precision."""
    zero = Vector.zero(gradient.shapes, len(SEEDS), gradient.initial["enc"])
    generator = torch.Generator().manual_seed(seed)
    shape = zero.flat.shape
    zero.flat.copy_(scale * torch.randn(shape, generator=generator, dtype=torch.float64))
    return zero


def in_weights(gradient: TanhVaeGradient, vector: Vector, general: GeneralGradient) -> Vector:
    """What a vector of the quick gradient is for the general one."""
    made = Vector.zero(general.shapes, len(SEEDS), general.initial["enc"])
    for name, layer in vector.layers.items():
        made.layers[name].copy_(gradient.enc.change(layer) if name == "enc" else layer)
    return made


def relative(got: Tensor, want: Tensor) -> float:
    return float((got - want).norm() / want.norm())


@INPUTS
@pytest.mark.parametrize("beta", [0.0, 0.5])
@pytest.mark.parametrize("keep", [1.0, 0.0, -0.7])
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(
    ("dtype", "error"),
    # Rounding; in single precision that of sums of 24 numbers and the smoothing's 5e-7.
    [(torch.float64, 1e-10), (torch.float32, 2e-5)],
)
def test_both_gradients_are_added_alike(
    inputs: int, beta: float, keep: float, moved: bool, dtype: torch.dtype, error: float
) -> None:
    """``keep * v - 0.3 * gradient`` at a base point, or an increment from it, in every layer.

    With keep = 0 what was in v may be anything, and goes.
    """
    quick, general = both(dtype, inputs, beta)
    assert (quick.shapes["enc"] == (SAMPLES, WIDTH)) == (inputs == 6)
    base, increment, target = (draw(quick, seed) for seed in (5, 6, 7))
    base_of_weights, increment_of_weights, expected = (
        in_weights(quick, vector, general) for vector in (base, increment, target)
    )
    if keep == 0:
        target.flat.fill_(float("nan"))
    quick.start_from(base)
    quick.evaluate(increment if moved else None)
    quick.add_to_(target, -0.3, keep)
    general.start_from(base_of_weights)
    general.evaluate(increment_of_weights if moved else None)
    general.add_to_(expected, -0.3, keep)
    found = in_weights(quick, target, general)
    for name, want in expected.layers.items():
        assert relative(found.layers[name], want) < error, name


@INPUTS
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_squared_norms_are_those_of_the_weights(
    inputs: int, dtype: torch.dtype, error: float
) -> None:
    """By the dual, ``tr(D^T x x^T D)`` cancels: in single precision a few 1e-6 are lost."""
    quick, general = both(dtype, inputs, 0.0)
    vector = draw(quick, 4)
    norms = quick.squared_norms(vector)
    expected = general.squared_norms(in_weights(quick, vector, general))
    assert norms.dtype == torch.float64
    assert norms.shape == (5, len(SEEDS))
    order = [list(general.shapes).index(name) for name in quick.shapes]
    assert torch.allclose(norms, expected[order], rtol=error)


def test_a_squared_norm_that_rounds_below_zero_is_zero() -> None:
    """Where inputs are equal, D may cancel: ``D^T x = 0`` while D is not."""
    model = mlp(torch.float32)
    model = replace(model, x=model.x[:1].expand(SAMPLES, -1).contiguous())
    initial, objective = problem(model, 0.0)
    gradient = TanhVaeGradient(model, objective, initial)
    vector = draw(gradient, 4)
    dual = vector.layers["enc"]
    dual.sub_(dual.mean(dim=1, keepdim=True))
    first = gradient.squared_norms(vector)[0]
    assert torch.all((first >= 0) & (first < 1e-6 * dual.square().sum(dim=(1, 2))))


@INPUTS
@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_both_see_the_same(inputs: int, beta: float) -> None:
    """Observations in double precision, to the smoothing's 1e-12 over what the KL term divides."""
    quick, general = both(torch.float64, inputs, beta)
    base = draw(quick, 5)
    untouched = deepcopy(quick.initial)
    quick.start_from(base)
    general.start_from(in_weights(quick, base, general))
    ours, theirs = quick.observe(), general.observe()
    assert set(ours.displacement) == set(ours.weights) == set(theirs.weights)
    for name, weight in theirs.weights.items():
        assert torch.equal(quick.initial[name], untouched[name])
        assert relative(ours.displacement[name], theirs.displacement[name]) < 1e-12, name
        assert relative(ours.weights[name], weight) < 1e-12, name
    assert torch.allclose(ours.latent_std, theirs.latent_std, rtol=1e-12)
    for mine, other in zip(vars(ours.value).values(), vars(theirs.value).values(), strict=True):
        assert torch.allclose(mine, other, rtol=1e-10)


@INPUTS
def test_observing_changes_nothing(inputs: int) -> None:
    """A gradient after an observation is the gradient, to the bit."""
    model = mlp(torch.float32, inputs)
    initial, objective = problem(model, 0.1)
    found = []
    for observed in (True, False):
        gradient = TanhVaeGradient(model, objective, initial)
        base, increment = draw(gradient, 5), draw(gradient, 6)
        gradient.start_from(base)
        for place in (None, increment, None):
            if observed:
                gradient.observe()
            gradient.evaluate(place)
            vector = draw(gradient, 7)
            gradient.add_to_(vector, 0.1)
            found.append(vector.flat)
    for seen, unseen in zip(found[:3], found[3:], strict=True):
        assert torch.equal(seen, unseen)
    assert torch.equal(found[0], found[2])


def test_the_quick_gradient_is_for_what_it_computes() -> None:
    model = mlp(torch.float32)
    objective = Objective(model.x)
    assert fits(model, objective)
    assert fits(model, replace(objective, beta=0.1))
    assert not fits(model, replace(objective, penalty=0.1))
    erf = ACTIVATIONS["erf"]
    for other in (
        mlp(torch.float64),
        replace(model, activation=erf),
        replace(model, smoothing=Smoothing(erf, 0.6)),
        replace(model, smoothing=Noiseless(TANH)),
        replace(model, smoothing=Sampled(TANH, SEEDS)),
        replace(model, trained=("mu", "dec")),
    ):
        assert not fits(other, objective)


@INPUTS
def test_a_gradient_makes_no_tensor(inputs: int) -> None:
    """Nothing above the few bytes of the largest variance is allocated once all is set up."""
    model = mlp(torch.float32, inputs)
    initial, objective = problem(model, 0.1)
    gradient = TanhVaeGradient(model, objective, initial)
    base, increment, vector = (draw(gradient, seed) for seed in (5, 6, 7))

    def once() -> None:
        gradient.start_from(base)
        gradient.evaluate(increment)
        gradient.add_to_(vector, -0.1, 0.5)

    once()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        once()
    assert max(event.self_cpu_memory_usage for event in seen.key_averages()) < 64


def test_a_gradient_that_is_not_used_leaves_no_memory_behind() -> None:
    """At once, without the collector of cycles: the next member's would not fit beside it."""
    gradient, _ = both(torch.float32, 6, 0.5)
    gradient.start_from(draw(gradient, 5))
    gradient.evaluate()
    left = [weakref.ref(part) for part in (gradient, gradient.smooth, gradient.place)]
    gc.disable()
    try:
        del gradient
        assert [part() for part in left] == [None, None, None]
    finally:
        gc.enable()


@pytest.mark.usefixtures("gpu")
@INPUTS
def test_a_replayed_gradient_is_the_gradient(inputs: int) -> None:
    """At base points and increments in turn, from a graph against the CPU, single precision."""
    ends = []
    for device in ("cuda", "cpu"):
        model = mlp(torch.float32, inputs, device)
        initial, objective = problem(model, 0.1)
        gradient = TanhVaeGradient(model, objective, initial)
        base, increment, vector = (draw(gradient, seed) for seed in (5, 6, 7))
        found = []
        gradient.start_from(base)
        for step in range(10):
            gradient.evaluate(increment if step % 2 else None)
            gradient.add_to_(vector, -0.1, 0.5)
            if step == 5:
                gradient.observe()
            if step == 7:
                base.flat.mul_(0.5)
                gradient.start_from(base)
            found.append(vector.flat.cpu().clone())
        assert isinstance(gradient.graph, Graph) == (device == "cuda")
        if gradient.graph is not None:
            assert gradient.graph.graph is not None
        ends.append(found)
    for gpu, cpu in zip(*ends, strict=True):
        assert relative(gpu, cpu) < 1e-4
