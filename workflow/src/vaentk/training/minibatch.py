"""Minibatch training of beta-VAEs with Adam, the members of an ensemble side by side.

A member has its seed, its beta, its own images and its own noise, all from a generator of its own:
it ends where it would end alone. Images stay on the device; no worker process stands between.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.models.conv_vae import ConvVAE, Weights

Record = dict[str, float]


@dataclass(frozen=True)
class Member:
    """What tells one member from another.

    Attributes
    ----------
    seed : int
        Of its weights, its images and its noise.
    beta : float
        Weight of its KL term.
    """

    seed: int
    beta: float


@dataclass(frozen=True)
class Recipe:
    """What all members share.

    Attributes
    ----------
    steps : int
    batch : int
        Images a step, drawn uniformly with replacement.
    learning_rate : float
        Of Adam, with decay rates 0.9 and 0.999 and epsilon 1e-8.
    record_every : int
        Steps between two records; the last step is recorded too.
    """

    steps: int
    batch: int
    learning_rate: float
    record_every: int


@dataclass(frozen=True)
class Losses:
    """The objective's parts, mean over a batch.

    Attributes
    ----------
    reconstruction : Tensor
        (S,) Bernoulli negative log-likelihood in nats, sum over pixels and channels.
    kl : Tensor
        (S, latent_dim) KL to the standard normal prior in nats, of every unit.
    total : Tensor
        (S,) ``reconstruction + beta * kl``, the KL summed over units.
    """

    reconstruction: Tensor
    kl: Tensor
    total: Tensor


@dataclass
class State:
    """All that a run needs to go on to the same bytes.

    Attributes
    ----------
    step : int
        Updates made.
    tensors : dict of Tensor
        ``weights/<name>``, ``mean/<name>`` and ``square/<name>`` (Adam's averages), each (S, ...),
        and ``generators``, uint8 (S, bytes).
    records : list of dict
        Observations, a row a member and recorded step.
    """

    step: int
    tensors: dict[str, Tensor]
    records: list[Record] = field(default_factory=list)

    def weights(self) -> Weights:
        """The weights by name."""
        prefix = "weights/"
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }


def initial_state(model: ConvVAE, members: Sequence[Member], device: str) -> State:
    """State before the first step: drawn weights, zero averages, a generator for each member."""
    weights = model.initial_weights(tuple(member.seed for member in members))
    tensors = {}
    for name, weight in weights.items():
        tensors[f"weights/{name}"] = weight.to(device)
        tensors[f"mean/{name}"] = torch.zeros_like(weight, device=device)
        tensors[f"square/{name}"] = torch.zeros_like(weight, device=device)
    # Another stream than the one that drew the weights.
    states = [torch.Generator().manual_seed(~member.seed % 2**63).get_state() for member in members]
    return State(0, tensors | {"generators": torch.stack(states)})


def losses(model: ConvVAE, weights: Weights, images: Tensor, noise: Tensor, beta: Tensor) -> Losses:
    """Evaluate the objective of every member on a batch of its own.

    Parameters
    ----------
    model : ConvVAE
    weights : dict of Tensor
        (S, ...) each.
    images : Tensor
        (S, b, c, 64, 64), values 0 to 1.
    noise : Tensor
        (S, b, latent_dim), standard normal.
    beta : Tensor
        (S,)
    """
    mean, logvar = model.encode(weights, images)
    logits = model.decode(weights, torch.addcmul(mean, noise, (0.5 * logvar).exp()))
    bernoulli = functional.binary_cross_entropy_with_logits(logits, images, reduction="none")
    reconstruction = bernoulli.sum(dim=(2, 3, 4)).mean(dim=1)
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean(dim=1)
    return Losses(reconstruction, kl, reconstruction + beta * kl.sum(dim=1))


def train(
    model: ConvVAE,
    images: ImageSet,
    members: Sequence[Member],
    recipe: Recipe,
    state: State,
    tick: Callable[[State], None] | None = None,
) -> State:
    """Train all members from a state to the last step.

    Parameters
    ----------
    model : ConvVAE
    images : ImageSet
        On the device of the state.
    members : sequence of Member
        As many as the state has.
    recipe : Recipe
    state : State
        Changed in place.
    tick : callable, optional
        Called after every update with the state, which it may save and must not change.

    Returns
    -------
    State
        After the last step.

    Raises
    ------
    UserError
        When a loss is not finite; names the member and the step.
    """
    generators = [torch.Generator() for _ in members]
    for generator, saved in zip(generators, state.tensors["generators"], strict=True):
        generator.set_state(saved.cpu().clone())  # a view would crash torch
    weights = {name: weight.requires_grad_() for name, weight in state.weights().items()}
    optimiser = _adam(weights, state, recipe)
    beta = torch.tensor([member.beta for member in members], device=images.device)
    while state.step < recipe.steps:
        numbers, noise = _draws(generators, len(images), recipe.batch, model.latent_dim)
        batch = images.images(numbers.flatten().to(images.device)).float().div_(255)
        batch = batch.view(len(members), recipe.batch, *images.facts.shape)
        found = losses(model, weights, batch, noise.to(images.device), beta)
        if state.step % recipe.record_every == 0 or state.step == recipe.steps - 1:
            _record(found, members, state)
        optimiser.zero_grad(set_to_none=True)
        found.total.sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        state.step += 1
        state.tensors["generators"] = torch.stack([g.get_state() for g in generators])
        if tick is not None:
            tick(state)
    for weight in weights.values():
        weight.requires_grad_(False)
    return state


def _adam(weights: Weights, state: State, recipe: Recipe) -> torch.optim.Adam:
    """Adam that goes on from the averages of a state, and changes them in place."""
    optimiser = torch.optim.Adam(weights.values(), lr=recipe.learning_rate, fused=True)
    for name, weight in weights.items():
        optimiser.state[weight] = {
            "step": torch.tensor(float(state.step), device=weight.device),
            "exp_avg": state.tensors[f"mean/{name}"],
            "exp_avg_sq": state.tensors[f"square/{name}"],
        }
    return optimiser


def _draws(
    generators: Sequence[torch.Generator], images: int, batch: int, latent_dim: int
) -> tuple[Tensor, Tensor]:
    """Draw every member's images and noise: int64 (S, b) and float32 (S, b, latent_dim)."""
    numbers = [torch.randint(images, (batch,), generator=g) for g in generators]
    noise = [torch.randn(batch, latent_dim, generator=g) for g in generators]
    return torch.stack(numbers), torch.stack(noise)


def _record(found: Losses, members: Sequence[Member], state: State) -> None:
    """Observe every member before an update, or refuse to go on where a loss is not finite."""
    totals = found.total.tolist()
    rows = zip(
        members, totals, found.reconstruction.tolist(), found.kl.sum(1).tolist(), strict=True
    )
    for member, total, reconstruction, kl in rows:
        if not torch.isfinite(torch.tensor(total)):
            raise UserError(
                f"training diverged by step {state.step}: the loss of seed {member.seed} at beta "
                f"{member.beta:g} is {total}: lower learning_rate."
            )
        state.records.append(
            {
                "seed": member.seed,
                "beta": member.beta,
                "step": state.step,
                "loss": total,
                "reconstruction": reconstruction,
                "kl": kl,
            }
        )
