"""The general gradient against plain sums: factors, increments, penalty, norms, observations."""

import pytest
import torch
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.models.forward import Weights
from vaentk.models.gradient import LayerGradient
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training.gradient import GeneralGradient, Vector
from vaentk.training.objectives import Objective

SEEDS = (1, 2)
SHAPES = {"a": (2, 3), "b": (4, 1)}


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inputs() -> Tensor:
    x = normal(10, 6, seed=2)
    return x / x.norm(dim=1, keepdim=True)


def mlp(beta: float) -> GeneralGradient:
    tanh = ACTIVATIONS["tanh"]
    model = MlpVae(inputs(), 8, 0.5, tanh, Smoothing(tanh, 0.6, 1e-9))
    initial = model.initial_weights(SEEDS)
    objective = Objective(model.x, beta, model.forward(initial) if beta else None)
    return GeneralGradient(model, objective, initial)


def mu_alone(penalty: float) -> GeneralGradient:
    """Eq. 2's network, W_mu trained and Eq. 12's penalty on it."""
    smoothing = Smoothing(ACTIVATIONS["erf"], 0.6)
    model = StochasticNetwork(inputs(), 8, 0.5, smoothing, ("mu",))
    return GeneralGradient(model, Objective(model.x, penalty=penalty), model.initial_weights(SEEDS))


def vector(gradient: GeneralGradient, seed: int, scale: float = 0.1) -> Vector:
    zero = Vector.zero(gradient.shapes, len(SEEDS), next(iter(gradient.initial.values())))
    zero.flat.copy_(scale * normal(*zero.flat.shape, seed=seed))
    return zero


def plain(gradient: GeneralGradient, at: Weights) -> Weights:
    """Dense gradient at a displacement by layer, penalty included."""
    weights = gradient.initial | {k: gradient.initial[k] + v for k, v in at.items()}
    forward = gradient.model.forward(weights)
    cotangent = gradient.objective.cotangent(forward)
    factors = gradient.model.gradients(weights, forward, cotangent)
    return {k: factors[k].dense() + gradient.objective.penalty * at[k] for k in factors}


def test_a_vector_and_its_layers_are_the_same_numbers() -> None:
    made = Vector.zero(SHAPES, 2, torch.zeros(1, dtype=torch.float64))
    assert made.flat.shape == (2, 10)
    assert {k: tuple(v.shape) for k, v in made.layers.items()} == {"a": (2, 2, 3), "b": (2, 4, 1)}
    made.layers["b"][1, 3, 0] = 5.0
    assert float(made.flat[1, 9]) == 5.0
    made.flat[0, 0] = 7.0
    assert float(made.layers["a"][0, 0, 0]) == 7.0
    again = Vector.of(made.flat, SHAPES)
    assert again.layers["a"].data_ptr() == made.flat.data_ptr()


@pytest.mark.parametrize("with_factor", [False, True])
@pytest.mark.parametrize("keep", [1.0, 0.0, -0.7])
def test_a_factored_gradient_is_added_like_a_dense_one(with_factor: bool, keep: float) -> None:
    """To float64 rounding; with keep = 0 what was there may be anything, and goes."""
    left, right, start = normal(2, 5, 3, seed=0), normal(2, 5, 4, seed=1), normal(2, 3, 4, seed=3)
    factor = normal(2, 3, 4, seed=4) if with_factor else None
    expected = torch.einsum("snp,snq->spq", left, right)
    expected = expected if factor is None else expected * factor
    gradient = LayerGradient(left, right, factor)
    assert torch.allclose(gradient.dense(), expected, rtol=1e-13)
    moved = start.clone() if keep else torch.full_like(start, float("nan"))
    gradient.add_to_(moved, -0.3, keep)
    assert torch.allclose(moved, (keep * start if keep else 0) - 0.3 * expected, rtol=1e-12)
    assert torch.allclose(gradient.dense(), expected, rtol=1e-13)


@pytest.mark.parametrize("build", [lambda: mlp(0.0), lambda: mlp(0.5), lambda: mu_alone(0.2)])
@pytest.mark.parametrize("keep", [1.0, 0.0, -0.7])
@pytest.mark.parametrize("moved", [False, True])
def test_the_gradient_is_that_of_the_weights_moved(
    build: type[GeneralGradient], keep: float, moved: bool
) -> None:
    """At a base point and an increment from it, to 1e-13: both sum the same numbers."""
    gradient = build()
    base, increment, target = (vector(gradient, seed) for seed in (5, 6, 7))
    before = target.flat.clone()
    gradient.start_from(base)
    gradient.evaluate(increment if moved else None)
    if keep == 0:
        target.flat.fill_(float("nan"))
    gradient.add_to_(target, -0.3, keep)
    at = {k: v + increment.layers[k] * moved for k, v in base.layers.items()}
    expected = Vector.of(before, gradient.shapes).layers
    for name, dense in plain(gradient, at).items():
        want = (keep * expected[name] if keep else 0) - 0.3 * dense
        assert torch.allclose(target.layers[name], want, rtol=1e-12, atol=1e-14), name


def test_an_increment_leaves_the_base_point_where_it_is() -> None:
    gradient = mlp(0.5)
    base, slope, again = (vector(gradient, seed) for seed in (5, 6, 7))
    gradient.start_from(base)
    gradient.evaluate()
    gradient.add_to_(slope, 1.0, 0.0)
    gradient.evaluate(vector(gradient, 8))
    gradient.evaluate()
    gradient.add_to_(again, 1.0, 0.0)
    assert torch.equal(slope.flat, again.flat)


def test_only_trained_layers_have_a_displacement() -> None:
    gradient = mu_alone(0.0)
    assert gradient.shapes == {"mu": (8, 6)}
    assert set(gradient.initial) == {"mu", "sigma", "d"}
    gradient.start_from(vector(gradient, 5))
    seen = gradient.observe()
    assert set(seen.displacement) == {"mu"}
    assert torch.equal(seen.weights["d"], gradient.initial["d"])


def test_squared_norms_are_summed_by_row_layer_and_member() -> None:
    """10^5 numbers of 1e-3 in float32: one sum of them is 2e-5 off; rows of 1000, 1e-6 at most."""
    gradient = mlp(0.0)
    given = vector(gradient, 9)
    found = gradient.squared_norms(given)
    assert found.dtype == torch.float64
    for row, layer in zip(found, given.layers.values(), strict=True):
        assert torch.allclose(row, layer.square().sum(dim=(1, 2)), rtol=1e-13)
    row = torch.full((1, 100_000), 1e-3)
    (norms,) = GeneralGradient.squared_norms(gradient, Vector.of(row, {"a": (100, 1000)}))
    assert float(norms) == pytest.approx(100_000 * float(row[0, 0]) ** 2, rel=1e-6)


@pytest.mark.parametrize(("beta", "penalty"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.2)])
def test_the_gradient_is_the_slope_of_what_is_observed(beta: float, penalty: float) -> None:
    """Central differences of the total along a direction, h = 1e-5: errors h^2 and 1e-16/h."""
    gradient = mu_alone(penalty) if penalty else mlp(beta)
    base, direction = vector(gradient, 5), vector(gradient, 6)
    slope = vector(gradient, 7)
    gradient.start_from(base)
    gradient.evaluate()
    gradient.add_to_(slope, 1.0, 0.0)
    totals = []
    for sign in (1, -1):
        gradient.start_from(Vector.of(base.flat + sign * 1e-5 * direction.flat, gradient.shapes))
        totals.append(gradient.observe().value.total)
    numerical = (totals[0] - totals[1]) / 2e-5
    assert torch.allclose(numerical, (slope.flat * direction.flat).sum(dim=1), rtol=1e-7)


def test_observations_are_of_the_base_point() -> None:
    gradient = mlp(0.5)
    base = vector(gradient, 5)
    gradient.start_from(base)
    gradient.evaluate(vector(gradient, 6))
    seen = gradient.observe()
    forward = gradient.model.forward(seen.weights)
    for name, layer in base.layers.items():
        assert torch.equal(seen.displacement[name], layer)
        assert torch.equal(seen.weights[name], gradient.initial[name] + layer)
    assert torch.equal(seen.latent_std, forward.variance.amax(dim=(1, 2)).sqrt())
    residual = forward.outputs - gradient.objective.targets
    assert torch.allclose(seen.value.reconstruction, residual.square().sum(dim=(1, 2)) / 20)
