"""Figure 2's network at every depth, against autograd through a plain forward pass."""

import pytest
import torch
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.models.forward import Cotangent, Weights
from vaentk.models.initial import standard_normal
from vaentk.models.latent import Noiseless
from vaentk.models.mlp_vae import MlpVae

TANH = ACTIVATIONS["tanh"]
M = 7
DEPTHS = {
    2: ("enc", "mu", "sigma", "dec"),
    3: ("enc", "hid", "mu", "sigma", "dec"),
    4: ("enc", "hid", "hid2", "mu", "sigma", "dec"),
    5: ("enc", "hid", "hid2", "hid3", "mu", "sigma", "dec"),
}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(depth: int, trained: tuple[str, ...] | None = None) -> MlpVae:
    x = draw(5, 4)
    x = x / x.norm(dim=1, keepdim=True)
    latent = Smoothing(TANH, 0.6, 1e-12)
    return MlpVae(x, M, 0.5, TANH, latent, trained or DEPTHS[depth], depth)


def plain(model: MlpVae, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs, latent mean and variance, written out; the latent's smoothing by 80 nodes."""
    hidden = torch.tanh(model.x @ weights["enc"].mT)
    for name in ("hid", "hid2", "hid3"):
        if name in weights:
            hidden = torch.tanh(hidden @ weights[name].mT / M**0.5)
    mean = hidden @ weights["mu"].mT / M**0.5
    variance = hidden**2 @ (weights["sigma"] ** 2).mT / M
    nodes, rule = torch.from_numpy(hermite()[0]), torch.from_numpy(hermite()[1])
    value = (torch.tanh(mean[..., None] + variance.sqrt()[..., None] * nodes) * rule).sum(-1)
    return value @ weights["dec"].mT / M**0.5, mean, variance


def hermite() -> tuple:  # type: ignore[type-arg]
    from numpy.polynomial.hermite_e import hermegauss

    nodes, rule = hermegauss(80)
    return nodes, rule / rule.sum()


@pytest.mark.parametrize("depth", DEPTHS)
def test_gradients_and_push_forward_are_autograds(depth: int) -> None:
    """Both directions of the Jacobian, of outputs, mean and variance; 1e-9 is the smoothing's."""
    model = network(depth)
    weights = {name: w + 0.1 * draw(*w.shape, seed=3) for name, w in start(model).items()}
    seen = model.forward(weights)
    outputs, mean, variance = plain(model, weights)
    assert torch.allclose(seen.outputs, outputs, atol=1e-9)
    assert torch.allclose(seen.mean, mean, atol=1e-12)
    assert torch.allclose(seen.variance, variance, atol=1e-12)

    leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    pulls = [draw(*part.shape, seed=5 + k) for k, part in enumerate((outputs, mean, variance))]
    value = sum((a * b).sum() for a, b in zip(plain(model, leaves), pulls, strict=True))
    expected = torch.autograd.grad(value, list(leaves.values()))  # type: ignore[arg-type]
    gradients = model.gradients(weights, seen, Cotangent(*pulls))
    assert tuple(gradients) == DEPTHS[depth]
    for name, by_autograd in zip(leaves, expected, strict=True):
        assert torch.allclose(gradients[name].dense(), by_autograd, atol=1e-9), name

    direction = {name: draw(*w.shape, seed=11) for name, w in weights.items()}
    tangent = model.push_forward(weights, seen, direction)
    parts = (tangent.outputs, tangent.mean, tangent.variance)
    pushed = sum(float((a * b).sum()) for a, b in zip(parts, pulls, strict=True))
    pulled = sum(float((g.dense() * direction[name]).sum()) for name, g in gradients.items())
    assert pushed == pytest.approx(pulled, rel=1e-12)  # one Jacobian, from both sides


def start(model: MlpVae) -> Weights:
    return model.initial_weights((0, 1))


def test_depth_adds_layers_and_changes_no_other() -> None:
    """Every layer draws from a stream of its own, so that depths differ in nothing but layers."""
    deepest = start(network(5))
    for depth, layers in DEPTHS.items():
        weights = start(network(depth))
        assert tuple(weights) == layers
        assert all(torch.equal(weights[name], deepest[name]) for name in layers)
    assert not torch.equal(deepest["hid2"], deepest["hid3"])
    hid = standard_normal((M, M), (0, 1), 1, torch.float64, torch.device("cpu"))
    assert torch.equal(deepest["hid"], hid)


def test_layers_that_are_frozen_have_no_gradient_and_no_part_in_a_direction() -> None:
    whole, part = network(4), network(4, ("hid2", "dec"))
    weights = start(whole)
    seen = whole.forward(weights)
    pull = Cotangent(draw(*seen.outputs.shape, seed=2))
    few, all_of_them = (model.gradients(weights, seen, pull) for model in (part, whole))
    assert tuple(few) == ("hid2", "dec")
    assert all(torch.equal(few[name].dense(), all_of_them[name].dense()) for name in few)
    direction = {name: draw(*weights[name].shape, seed=4) for name in few}
    zeros = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    ours = part.push_forward(weights, seen, direction)
    theirs = whole.push_forward(weights, seen, zeros | direction)
    assert torch.equal(ours.outputs, theirs.outputs)


def test_a_noiseless_latent_works_at_every_depth() -> None:
    for depth in DEPTHS:
        model = MlpVae(network(depth).x, M, 0.5, TANH, Noiseless(TANH), DEPTHS[depth], depth)
        weights = start(model)
        hidden = model.forward(weights)
        expected = torch.tanh(hidden.mean) @ weights["dec"].mT / M**0.5
        assert torch.allclose(hidden.outputs, expected, atol=1e-14)
