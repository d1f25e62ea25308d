"""Estimates of a member's memory against the bytes of the tensors that its training makes.

A GPU holds more: the clones that undo a graph's warm-up, which a CPU does not make, and libraries'
workspaces. So an estimate may be too large, by `MOST`, and never too small.
"""

import weakref
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.bounds.bound import Bound
from vaentk.bounds.likelihoods import Bernoulli
from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.experiments.convergence.deep_vae import AUTHORS
from vaentk.models.conv_snn import ConvolutionalNetwork, patches
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.deep_gaussian_vae import deep_vae
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.models.snn import StochasticNetwork
from vaentk.training import flow, footprints, vae_gradient
from vaentk.training.elbo import ElboGradient
from vaentk.training.gradient import GeneralGradient
from vaentk.training.minibatch import Member, Recipe, _Learner, initial_state
from vaentk.training.objectives import Objective
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Moments
from vaentk.training.vae_gradient import TanhVaeGradient

MOST = 3.5


class Counted(TorchDispatchMode):
    """Counts storages that operations made, from their making until nobody holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.seen: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(found):
            if isinstance(leaf, torch.Tensor):
                self._add(leaf.untyped_storage())
        return found

    def _add(self, storage: torch.UntypedStorage) -> None:
        place = storage._cdata
        if place in self.seen:
            return
        self.seen[place] = storage.nbytes()
        self.now += storage.nbytes()
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._remove, place)

    def _remove(self, place: int) -> None:
        self.now -= self.seen.pop(place, 0)


def test_a_tensor_is_counted_while_somebody_holds_it() -> None:
    with Counted() as counted:
        first = torch.zeros(1000)
        second = first + 1
        view = second[:10]
        assert counted.now == 8000
        del first
        assert counted.now == 4000
        del second
        assert (counted.now, counted.most) == (4000, 8000)
        del view
    assert counted.now == 0


@pytest.mark.parametrize(("channels", "latent", "batch"), [(1, 10, 8), (1, 10, 64), (3, 200, 64)])
def test_convolutional_vaes(channels: int, latent: int, batch: int) -> None:
    pixels = torch.zeros(9, channels, 64, 64, dtype=torch.uint8)
    facts = Facts("noise", "noise", "drawn", "", (channels, 64, 64), 9)
    images, members = ImageSet(facts, pixels), [Member(0, 1.0), Member(1, 1.0)]
    recipe, model = Recipe(2, batch, 1e-4, 1), ConvVAE(channels, latent)
    with Counted() as counted:
        state = initial_state(model, members, "cpu")
        _Learner(model, images, members, recipe, state, slice(None)).block(2)
    estimate = 2 * footprints.vae_member(model, batch)
    assert 1 < estimate / counted.most < MOST


@pytest.mark.parametrize("name", ["relu", "gelu", "soft"])
@pytest.mark.parametrize(("codes", "together"), [(1, 1), (6, 6), (6, 2)])
def test_gradients_of_deep_vaes(name: str, codes: int, together: int) -> None:
    soft = name == "soft"
    functions = Nonlinearities.soft_clipping(1.0) if soft else Nonlinearities.named(name)
    small = deep_vae(3, 16, (8, 16, 32), 64, functions)
    large = deep_vae(3, 100, *AUTHORS[32], functions)
    for model, batch in ((small, 32), (large, 16)):
        with Counted() as counted:
            images = torch.rand(1, batch, 3, model.side, model.side)
            noise = torch.randn(1, codes, batch, model.latent_dim)
            bound = Bound(model, Bernoulli(), "iwae", together)
            weights = model.initial_weights((0,))
            bound.gradient(weights, images, noise, torch.ones(1))
        held = 8 * sum(map(prod, model.shapes().values()))  # weights and gradient, no averages
        estimate = held + footprints.activations(model, batch, together)
        assert 1 < estimate / counted.most < MOST


@pytest.mark.parametrize("width", [128, 1024])
@pytest.mark.parametrize(("samples", "resolution"), [(64, 7), (128, 14)])
@pytest.mark.parametrize(
    ("network", "activation"),
    [
        *[("figure 2", "tanh"), ("figure 2", "erf"), ("eq 2", "erf"), ("eq 2", "tanh")],
        *[("mu", "erf"), ("elbo", "erf")],
    ],
)
def test_widths(network: str, activation: str, samples: int, resolution: int, width: int) -> None:
    """Figure 2's network on Eq. 4, Eq. 2's on Eq. 7, its W_mu alone on Eq. 12, and the ELBO's term.

    Following the flow, which holds more than descent does; two moments of Eq. 2's outputs are kept.
    """
    inputs = np.random.default_rng(0).random((samples, resolution**2)) / 20
    x, phi = torch.from_numpy(inputs).float(), ACTIVATIONS[activation]
    member = footprints.figure2_member if network == "figure 2" else footprints.eq2_member
    model: MlpVae | StochasticNetwork
    with Counted() as counted:
        if network == "figure 2":
            model = MlpVae(x, width, 0.5, phi, Smoothing(phi, 0.5, 1e-6))
        else:
            trained = ("mu",) if network == "mu" else ("mu", "sigma", "d")
            model = StochasticNetwork(x, width, 0.5, Smoothing(phi, 0.75, 1e-6), trained)
        initial = model.initial_weights((0,))
        start = model.forward(initial) if network == "figure 2" else None
        beta, penalty = 0.01 if start else 0.0, 0.01 if network == "mu" else 0.0
        objective = Objective(x.clone(), beta, start, penalty)
        fits = isinstance(model, MlpVae) and vae_gradient.fits(model, objective)
        general = ElboGradient if network == "elbo" else GeneralGradient
        gradient = (TanhVaeGradient if fits else general)(model, objective, initial)
        del initial, start
        keep = None if network == "figure 2" else model
        recorder = Recorder(gradient.initial, (0,), keep=keep)
        state = flow.initial_state(gradient, 1)
        flow.follow(gradient, Moments((0.0, 1e-2), 0.1), recorder, state)
    estimate = member(samples, resolution**2, width, "float32", 2 if keep else 0)
    # Tables that do not grow with the network weigh most where it is small.
    constant = 4 * footprints.TABLES
    assert counted.most < estimate < MOST * counted.most + constant


@pytest.mark.parametrize("channels", [64, 512])
def test_channels_at_patches_are_at_most_as_many_units_of_eq_2(channels: int) -> None:
    """Following the flow on Eq. 7 from 16 patches of 7 x 7 pixels; two moments are kept."""
    inputs = np.random.default_rng(0).random((32, 49)) / 20
    x, phi = torch.from_numpy(inputs).float(), ACTIVATIONS["erf"]
    with Counted() as counted:
        model = ConvolutionalNetwork(patches(x, 3, 2), 49, channels, 0.5, Smoothing(phi, 0.75))
        gradient = GeneralGradient(model, Objective(x.clone()), model.initial_weights((0,)))
        recorder = Recorder(gradient.initial, (0,), keep=model)
        state = flow.initial_state(gradient, 1)
        flow.follow(gradient, Moments((0.0, 1e-2), 0.1), recorder, state)
    estimate = footprints.eq2_member(32, 49, model.units, "float32", 2)
    assert counted.most < estimate < MOST * counted.most + 4 * footprints.TABLES
