"""Training of deep VAEs on epochs of reshuffled batches, and measuring them as they go.

Members are seeds of one variant, side by side. All that is random comes from generators made from
a member's seed, the purpose and the epoch or step: a run taken up again draws what it would have
drawn, and variants with the same seed see the same images in the same order.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from math import isfinite, sqrt
from typing import Final, Literal, Self

import numpy as np
import torch
from torch import Tensor

from vaentk.bounds.bound import Bound, Weights
from vaentk.bounds.pool import Pool
from vaentk.errors import UserError
from vaentk.experiments.convergence.deep_vae import DeepTraining
from vaentk.training.adam import adam
from vaentk.training.graph import Graph
from vaentk.training.looks import Gauge, generator

Record = dict[str, float]
Stepping = Literal["per-epoch", "per-iteration", "constant"]
Optimiser = Literal["adam", "sgd"]

BLOCK: Final = 25
"""Updates between two looks at the losses."""

NEAR: Final = 0.9
"""Two times in this proportion or nearer are one."""

ORDER, NOISE = 0, 1
"""What a generator is for."""


@dataclass(frozen=True)
class Recipe:
    """How a variant is trained.

    Attributes
    ----------
    variant : str
        Its name, for errors.
    seeds : tuple of int
        One a member.
    batch : int
        Images an update; those of an epoch that do not fill a batch are left out of it.
    learning_rate : float
    stepping : str
        ``per-epoch``: over the root of the epoch's number; ``per-iteration``: over the root of
        the update's number; ``constant``.
    optimiser : str
        ``adam`` with decay rates 0.9 and 0.999 and epsilon 1e-8; ``sgd``.
    codes : int
        K, of an image in an update.
    beta : float
        Weight of the KL term.
    looks : tuple of int
        Numbers of updates after which members are measured, ascending; training ends at the last.
    """

    variant: str
    seeds: tuple[int, ...]
    batch: int
    learning_rate: float
    stepping: Stepping
    optimiser: Optimiser
    codes: int
    beta: float
    looks: tuple[int, ...]

    @classmethod
    def of(cls, settings: DeepTraining, variant: str, images: int) -> Self:
        """Take a variant's settings, for so many training images.

        Raises
        ------
        UserError
            When there are fewer images than a batch has.
        """
        epoch = images // settings.batch
        if not epoch:
            raise UserError(
                f"batch is {settings.batch}, and there are {images} training images: lower batch."
            )
        return cls(
            variant=variant,
            seeds=settings.seeds,
            batch=settings.batch,
            learning_rate=settings.learning_rate,
            stepping=settings.stepping,
            optimiser=settings.optimiser,
            codes=settings.codes,
            beta=settings.beta,
            looks=look_times(settings.epochs * epoch, epoch, settings.per_decade),
        )

    @property
    def steps(self) -> int:
        """Updates in all."""
        return self.looks[-1]


@dataclass
class State:
    """All that a run needs to go on to the same bytes.

    Attributes
    ----------
    step : int
        Updates made.
    tensors : dict of Tensor
        ``weights/<name>``, ``mean/<name>`` and ``square/<name>`` (Adam's averages), (S, ...) each.
    records : list of dict
        Measurements, a row a look and member.
    """

    step: int
    tensors: dict[str, Tensor]
    records: list[Record] = field(default_factory=list)

    def part(self, kind: str) -> Weights:
        """The tensors of a kind, by the names of the weights."""
        prefix = f"{kind}/"
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }


def initial_state(weights: Weights) -> State:
    """State before the first update; the weights, (S, ...) each, are copied."""
    tensors = {}
    for name, weight in weights.items():
        tensors[f"weights/{name}"] = weight.clone()
        tensors[f"mean/{name}"] = torch.zeros_like(weight)
        tensors[f"square/{name}"] = torch.zeros_like(weight)
    return State(0, tensors)


def look_times(steps: int, epoch: int, per_decade: int) -> tuple[int, ...]:
    """Numbers of updates after which to measure: 0, 1, evenly in the logarithm, and the last.

    Parameters
    ----------
    steps : int
        Updates in all.
    epoch : int
        Updates of an epoch, whose end is among the times in place of one close to it.
    per_decade : int
        Times for every factor of ten, as far as they are apart.
    """
    count = 1 + round(per_decade * np.log10(steps))
    spaced = np.geomspace(1, steps, max(count, 2)).round().astype(int).tolist()
    apart = {step for step in spaced if not NEAR < step / epoch < 1 / NEAR}
    return tuple(sorted({0, 1, epoch, steps} | apart))


def rate(recipe: Recipe, step: int, epoch: int) -> float:
    """Step size of the update after ``step`` others, with ``epoch`` updates an epoch."""
    if recipe.stepping == "per-epoch":
        return recipe.learning_rate / sqrt(step // epoch + 1)
    return recipe.learning_rate / (sqrt(step + 1) if recipe.stepping == "per-iteration" else 1)


def train(
    bound: Bound,
    images: Pool,
    gauge: Gauge,
    recipe: Recipe,
    state: State,
    tick: Callable[[State], None] | None = None,
    threads: int = 1,
) -> State:
    """Train all members from a state to the last look.

    On a CPU every member is trained on one thread, several at a time, so that it ends with the same
    bytes however many there are. On a GPU they are trained together, as one graph of operations.

    Parameters
    ----------
    bound : Bound
        What is minimised.
    images : Pool
        On the device of the state.
    gauge : Gauge
        What is measured.
    recipe : Recipe
    state : State
        Changed in place; at the end of a block.
    tick : callable, optional
        Called after every block and look with the state, which it may save and must not change.
    threads : int
        On a CPU.

    Returns
    -------
    State
        After the last update.

    Raises
    ------
    UserError
        When a loss is not finite: names variant and step.
    """
    apart = images.numbers.device.type == "cpu"
    places = range(len(recipe.seeds))
    groups = [slice(i, i + 1) for i in places] if apart else [slice(None)]
    learners = [_Learner(bound, images, recipe, state, group) for group in groups]
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        while True:
            if state.step in recipe.looks and not _seen(state):
                found = pool.map(lambda learner: learner.look(gauge, state.step), learners)
                rows = [row for rows in found for row in rows]
                _refuse_divergence(recipe, state.step, [row["loss"] for row in rows])
                state.records += rows
                _tell(tick, state)
            if state.step == recipe.steps:
                return state
            ahead = min(look for look in recipe.looks if look > state.step)
            steps = min(BLOCK, ahead - state.step)
            losses = torch.cat([*pool.map(_Learner.block, learners, repeat(steps))], dim=1)
            for step, of_members in enumerate(losses.tolist(), start=state.step):
                _refuse_divergence(recipe, step, of_members)
            state.step += steps
            if state.step not in recipe.looks:
                _tell(tick, state)


class _Learner:
    """Members of a run that are updated together, in place in the state."""

    def __init__(
        self, bound: Bound, images: Pool, recipe: Recipe, state: State, group: slice
    ) -> None:
        self.bound, self.images, self.recipe = bound, images, recipe
        self.seeds, self.step = recipe.seeds[group], state.step
        # Through .data, because a change of one member's part would make autograd, in another
        # thread, take the whole ensemble's tensor for changed.
        parts = {
            kind: {name: tensor[group].data for name, tensor in state.part(kind).items()}
            for kind in ("weights", "mean", "square")
        }
        self.weights = parts["weights"]
        first = next(iter(self.weights.values()))
        self.device = first.device
        self.beta = first.new_full((len(self.seeds),), recipe.beta)
        self.rate = first.new_zeros(())
        self.optimiser = (
            adam(self.weights, parts["mean"], parts["square"], state.step, self.rate)
            if recipe.optimiser == "adam"
            else None
        )
        self.epoch = len(images.numbers) // recipe.batch
        self.orders: tuple[int, Tensor] | None = None
        self.update = Graph(self._update, self._kept()) if first.is_cuda else self._update

    def block(self, steps: int) -> Tensor:
        """Update some times; give the losses before each, (steps, S) on the CPU."""
        losses = []
        for step in range(self.step, self.step + steps):
            noise = [
                torch.randn(
                    (self.recipe.codes, self.recipe.batch, self.bound.model.latent_dim),
                    generator=generator(self.device, seed, NOISE, step),
                    device=self.device,
                )
                for seed in self.seeds
            ]
            size = torch.tensor(rate(self.recipe, step, self.epoch), device=self.device)
            losses.append(self.update(self._batch(step), torch.stack(noise), size))
        self.step += steps
        return torch.stack(losses).cpu()

    def look(self, gauge: Gauge, step: int) -> list[Record]:
        """Measure the members: a row each."""
        known = {"step": step, "epoch": step / self.epoch}
        found = gauge.look(self.bound, self.weights, self.beta, self.seeds, self.recipe.codes, step)
        return [{"seed": seed, **known, **row} for seed, row in zip(self.seeds, found, strict=True)]

    def _batch(self, step: int) -> Tensor:
        """Numbers of the images of an update, int64 (S, b)."""
        epoch, place = divmod(step, self.epoch)
        if self.orders is None or self.orders[0] != epoch:
            orders = [
                torch.randperm(
                    len(self.images.numbers),
                    generator=generator(torch.device("cpu"), seed, ORDER, epoch),
                )
                for seed in self.seeds
            ]
            self.orders = epoch, self.images.numbers[torch.stack(orders).to(self.device)]
        batch = self.recipe.batch
        return self.orders[1][:, place * batch : (place + 1) * batch]

    def _update(self, numbers: Tensor, noise: Tensor, size: Tensor) -> Tensor:
        """Update once; give the losses before, (S,)."""
        images = self.images.images(numbers.flatten())
        images = images.view(*numbers.shape, *images.shape[1:])
        values, found = self.bound.gradient(self.weights, images, noise, self.beta)
        self.rate.copy_(size)
        if self.optimiser is None:
            for name, weight in self.weights.items():
                weight.sub_(self.rate * found[name])
        else:
            for name, weight in self.weights.items():
                # The fused update takes the memory's order for that of the weight.
                weight.grad = found[name].contiguous()
            self.optimiser.step()
        return values.loss.mean(dim=1)

    def _kept(self) -> list[Tensor]:
        """All that an update changes."""
        kept = [*self.weights.values()]
        if self.optimiser is not None:
            kept += [t for held in self.optimiser.state.values() for t in held.values()]
        return kept


def _seen(state: State) -> bool:
    """Whether the members were measured at this step."""
    return bool(state.records) and state.records[-1]["step"] == state.step


def _tell(tick: Callable[[State], None] | None, state: State) -> None:
    if tick is not None:
        tick(state)


def _refuse_divergence(recipe: Recipe, step: int, losses: Sequence[float]) -> None:
    for seed, loss in zip(recipe.seeds, losses, strict=True):
        if not isfinite(loss):
            raise UserError(
                f"training of {recipe.variant} diverged by step {step}: the loss of seed {seed} "
                f"is {loss}: lower learning_rate."
            )
