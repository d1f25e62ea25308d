"""Minibatch training of beta-VAEs with Adam, the members of an ensemble side by side.

A member has its seed, its beta, its own images and its own noise, all from a generator of its own:
it ends where it would end alone. Images stay on the device; no worker process stands between.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from math import isfinite
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn import functional

from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.models.image_vae import ImageVae, Weights
from vaentk.models.precision import products_of
from vaentk.training import generators
from vaentk.training.adam import adam, with_averages
from vaentk.training.graph import Graph
from vaentk.training.schedule import BLOCK
from vaentk.training.state import State, Tick, no_tick


@dataclass(frozen=True)
class Member:
    """What tells one member from another."""

    seed: int
    """Of its weights, its images and its noise."""
    beta: float
    """Weight of its KL term."""


@dataclass(frozen=True)
class Recipe:
    """What all members share."""

    steps: int
    batch: int
    """Images a step, drawn uniformly with replacement."""
    learning_rate: float
    record_every: int
    """Steps between two records; the last step is recorded too."""
    kept: tuple[int, ...] = ()
    """Steps after which the weights are kept aside, increasing, multiples of `BLOCK`."""

    @classmethod
    def observed(
        cls, steps: int, batch: int, learning_rate: float, kept: tuple[int, ...] = ()
    ) -> Self:
        """A recipe that is recorded a hundred times."""
        return cls(steps, batch, learning_rate, max(1, steps // 100), kept)


class Losses(NamedTuple):
    """The objective's parts in nats, mean over a batch."""

    reconstruction: Tensor
    """(S,) Bernoulli negative log-likelihood, sum over pixels and channels."""
    kl: Tensor
    """(S, latent_dim) KL to the standard normal prior, of every unit."""
    total: Tensor
    """(S,) ``reconstruction + beta * kl``, the KL summed over units."""


def initial_state(
    model: ImageVae, members: Sequence[Member], device: str, kept: Sequence[int] = ()
) -> State:
    """State before the first step: drawn weights, zero averages, a generator for each member.

    ``generators``, uint8 (S, bytes) on the CPU, are states of the device's generators;
    ``kept/<step>/<name>`` will have the weights after a step that is to be kept.
    """
    drawn = model.initial_weights(tuple(member.seed for member in members))
    weights = {name: weight.to(device) for name, weight in drawn.items()}
    tensors = with_averages(weights)
    for step in kept:
        tensors |= {f"kept/{step}/{n}": torch.zeros_like(weight) for n, weight in weights.items()}
    states = generators.fresh([member.seed for member in members], device)
    return State(0, tensors | {"generators": states})


def losses(
    model: ImageVae, weights: Weights, images: Tensor, noise: Tensor, beta: Tensor
) -> Losses:
    """Evaluate the objective of every member on a batch of its own.

    Of images (S, b, c, side, side), values 0 to 1, with standard normal noise (S, b, latent_dim).
    """
    mean, logvar = model.encode(weights, images)
    logits = model.decode(weights, torch.addcmul(mean, noise, (0.5 * logvar).exp()))
    bernoulli = functional.binary_cross_entropy_with_logits(logits, images, reduction="none")
    reconstruction = bernoulli.sum(dim=(2, 3, 4)).mean(dim=1)
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean(dim=1)
    return Losses(reconstruction, kl, reconstruction + beta * kl.sum(dim=1))


def train(
    model: ImageVae,
    images: ImageSet,
    members: Sequence[Member],
    recipe: Recipe,
    state: State,
    tick: Tick = no_tick,
    threads: int = 1,
) -> State:
    """Train all members from a state to the last step, in blocks of `BLOCK` steps.

    On a CPU every member is trained on one thread, several at a time, so that it ends with the same
    bytes however many there are. On a GPU they are trained together, as one graph of operations.

    Parameters
    ----------
    images : on the device of the state
    members : as many as the state has
    state : changed in place, at the end of a block
    tick : called after every block
    threads : on a CPU

    Raises
    ------
    UserError
        When a loss is not finite; names the member and the step.
    """
    apart = images.device.type == "cpu"
    groups = [slice(i, i + 1) for i in range(len(members))] if apart else [slice(None)]
    learners = [_Learner(model, images, members, recipe, state, group) for group in groups]
    workers = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    with products_of(model), workers as pool:
        while state.step < recipe.steps:
            steps = min(BLOCK, recipe.steps - state.step)
            values = torch.cat([*pool.map(_Learner.block, learners, repeat(steps))], dim=1)
            _record(values.tolist(), members, recipe, state)
            state.step += steps
            for learner, group in zip(learners, groups, strict=True):
                state.tensors["generators"][group] = generators.states_of(learner.generators)
            for name, kept in state.part(f"kept/{state.step}").items():
                kept.copy_(state.tensors[f"weights/{name}"].detach())
            tick(state)
    return state


class _Learner:
    """Members of a run that are updated together, in place in the state."""

    def __init__(
        self,
        model: ImageVae,
        images: ImageSet,
        members: Sequence[Member],
        recipe: Recipe,
        state: State,
        group: slice,
    ) -> None:
        self.model, self.images, self.recipe = model, images, recipe
        self.beta = torch.tensor([m.beta for m in members[group]], device=images.device)
        self.weights, self.optimiser = adam(state, group, recipe.learning_rate)
        for weight in self.weights.values():
            weight.requires_grad_()
        self.generators = generators.restored(state.tensors["generators"][group], images.device)
        self.update = Graph(self._update) if images.pixels.is_cuda else self._update

    def block(self, steps: int) -> Tensor:
        """Update some times; give reconstruction and KL before each, (steps, S, 2) on the CPU."""
        draws = [self._draws(generator, steps) for generator in self.generators]
        numbers, noise = (torch.stack(drawn, dim=1) for drawn in zip(*draws, strict=True))
        values = [self.update(*drawn) for drawn in zip(numbers, noise, strict=True)]
        return torch.stack(values).cpu()

    def _draws(self, generator: torch.Generator, steps: int) -> tuple[Tensor, Tensor]:
        """Draw one member's images and noise: int64 (steps, b), float32 (steps, b, latent_dim)."""
        shape, where = (steps, self.recipe.batch), self.images.device
        numbers = torch.randint(len(self.images), shape, generator=generator, device=where)
        noise = torch.randn(*shape, self.model.latent_dim, generator=generator, device=where)
        return numbers, noise

    def _update(self, numbers: Tensor, noise: Tensor) -> Tensor:
        """Update once, with images int64 (S, b) and noise (S, b, latent_dim); give (S, 2)."""
        batch = self.images.images(numbers.flatten()).view(*numbers.shape, *self.images.facts.shape)
        self.optimiser.zero_grad(set_to_none=True)
        own = losses(self.model, self.weights, batch.float().div_(255), noise, self.beta)
        own.total.sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return torch.stack([own.reconstruction, own.kl.sum(1)], dim=1).detach()


def _record(
    values: list[list[list[float]]], members: Sequence[Member], recipe: Recipe, state: State
) -> None:
    """Note the losses of a block where they are asked for; refuse one that is not finite."""
    for step, losses_of_members in enumerate(values, start=state.step):
        asked = step % recipe.record_every == 0 or step == recipe.steps - 1
        for member, (reconstruction, kl) in zip(members, losses_of_members, strict=True):
            total = reconstruction + member.beta * kl
            if not isfinite(total):
                raise UserError(
                    f"training diverged by step {step}: the loss of seed {member.seed} at beta "
                    f"{member.beta:g} is {total}: lower learning_rate."
                )
            if asked:
                own = {"seed": member.seed, "beta": member.beta, "step": step, "loss": total}
                state.records.append(own | {"reconstruction": reconstruction, "kl": kl})
