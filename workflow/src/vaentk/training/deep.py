"""Training of deep VAEs on epochs of reshuffled batches, and measuring them as they go.

The squared norm of the full-data gradient is estimated at every iterate (`bounds.halves`) and
summed: no iterate is left out, as the theorem asks.

Members are seeds of one variant, side by side. All that is random comes from generators made from
a member's seed, the purpose and the epoch or step: a run taken up again draws what it would have
drawn, and variants with the same seed see the same images in the same order.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from math import isfinite, sqrt
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from vaentk.bounds.bound import Bound, Weights
from vaentk.bounds.draws import generator, noise
from vaentk.bounds.halves import COLUMNS, halved_gradient
from vaentk.bounds.images import ImageSource
from vaentk.errors import UserError
from vaentk.models.precision import products_of
from vaentk.training.adam import adam, with_averages
from vaentk.training.evaluation import Evaluation
from vaentk.training.graph import Graph
from vaentk.training.state import Record, State, Tick, no_tick

BLOCK: Final = 25
"""Updates whose losses are fetched at once."""

NEAR: Final = 0.9
"""Two times in this proportion or nearer are one."""

ORDER, NOISE, DRAWN = 0, 1, 4
"""What a generator is for."""

SUMS: Final = ("sum", "scatter", "last")
"""What a state has beside the weights and their averages."""


@dataclass(frozen=True)
class Recipe:
    """How a variant is trained."""

    variant: str
    """Its name, for errors."""
    seeds: tuple[int, ...]
    """One a member."""
    batch: int
    """Images an update, an even number; those of an epoch that do not fill a batch are left out."""
    learning_rate: float
    stepping: Literal["per-epoch", "per-iteration", "constant"]
    """Whether the step size falls with the root of the epoch's number or of the update's."""
    optimiser: Literal["adam", "sgd"]
    codes: int
    """K, of an image in an update."""
    beta: float
    """Weight of the KL term."""
    independent: bool
    """Whether the images of an update are drawn uniformly with replacement, as the theorem has it,
    and not from reshuffled epochs."""
    evaluated: tuple[int, ...]
    """Numbers of updates after which members are measured, ascending; training ends at the last."""

    @property
    def steps(self) -> int:
        """Updates in all."""
        return self.evaluated[-1]


def initial_state(weights: Weights) -> State:
    """State before the first update.

    On the CPU, float64 (S, 3) each: ``sum`` of `bounds.halves.COLUMNS` over the updates;
    ``scatter``, the sum of half their squared differences from one update to the next; the
    ``last`` ones.
    """
    members = len(next(iter(weights.values())))
    sums = {name: torch.zeros(members, len(COLUMNS), dtype=torch.float64) for name in SUMS}
    return State(0, with_averages(weights) | sums)


def evaluation_steps(steps: int, epoch: int, per_decade: int) -> tuple[int, ...]:
    """Numbers of updates after which to measure: 0, 1, evenly in the logarithm, and the last.

    As many ``per_decade`` of the ``steps`` in all, as far as they are apart; the end of the first
    ``epoch`` is among them in place of one close to it.
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
    images: ImageSource,
    evaluation: Evaluation,
    recipe: Recipe,
    state: State,
    tick: Tick = no_tick,
    threads: int = 1,
) -> State:
    """Train all members from a state to the last evaluation.

    On a CPU every member is trained on one thread, several at a time, so that it ends with the same
    bytes however many there are. On a GPU they are trained together, as one graph of operations.

    Parameters
    ----------
    images : on the device of the state
    state : changed in place, at the end of a block
    tick : called after every block and evaluation
    threads : on a CPU

    Raises
    ------
    UserError
        When a loss is not finite: names variant and step.
    """
    apart = images.numbers.device.type == "cpu"
    places = range(len(recipe.seeds))
    slices = [slice(i, i + 1) for i in places] if apart else [slice(None)]
    learners = [_Learner(bound, images, recipe, state, own) for own in slices]
    workers = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    with products_of(bound.model), workers as pool:
        while True:
            if state.step in recipe.evaluated and not state.observed:
                measured = pool.map(lambda own: own.evaluate(evaluation, state.step), learners)
                rows = [row for rows in measured for row in rows]
                _refuse_divergence(recipe, state.step, [row["loss"] for row in rows])
                for row, summed in zip(rows, _summed(state), strict=True):
                    state.records.append(row | summed)
                tick(state)
            if state.step == recipe.steps:
                return state
            ahead = min(step for step in recipe.evaluated if step > state.step)
            steps = min(BLOCK, ahead - state.step)
            blocks = zip(*pool.map(_Learner.block, learners, repeat(steps)), strict=True)
            losses, squares = (torch.cat(parts, dim=1) for parts in blocks)
            for step, of_members in enumerate(losses.tolist(), start=state.step):
                _refuse_divergence(recipe, step, of_members)
            _add(state, squares)
            state.step += steps
            if state.step not in recipe.evaluated:
                tick(state)


def _add(state: State, squares: Tensor) -> None:
    """Add what a block's updates measured, (steps, S, 3), to the sums."""
    squares = squares.to(state.tensors["sum"].device)
    before = state.tensors["last"][None] if state.step else squares[:1]
    differences = squares - torch.cat([before, squares[:-1]])
    state.tensors["sum"] += squares.sum(dim=0)
    state.tensors["scatter"] += differences.square().sum(dim=0) / 2
    state.tensors["last"].copy_(squares[-1])


def _summed(state: State) -> list[Record]:
    """Give the sums so far, one row per member: ``sum_phi``, ``scatter_phi`` and so on."""
    named = {
        f"{kind}_{column}": state.tensors[kind][:, place].tolist()
        for kind in ("sum", "scatter")
        for place, column in enumerate(COLUMNS)
    }
    members = len(state.tensors["sum"])
    return [{name: values[member] for name, values in named.items()} for member in range(members)]


class _Learner:
    """Members of a run that are updated together, in place in the state."""

    def __init__(
        self, bound: Bound, images: ImageSource, recipe: Recipe, state: State, own: slice
    ) -> None:
        self.bound, self.images, self.recipe = bound, images, recipe
        self.seeds, self.step = recipe.seeds[own], state.step
        first = next(iter(state.tensors.values()))
        self.device = first.device
        self.beta = first.new_full((len(self.seeds),), recipe.beta)
        self.rate = first.new_zeros(())
        self.weights, optimiser = adam(state, own, self.rate)
        self.optimiser = optimiser if recipe.optimiser == "adam" else None
        self.epoch = len(images.numbers) // recipe.batch
        self.orders: tuple[int, Tensor] | None = None
        self.update = Graph(self._update) if first.is_cuda else self._update

    def block(self, steps: int) -> tuple[Tensor, Tensor]:
        """Update some times; give losses, (steps, S), and squares, (steps, S, 3), on the CPU."""
        measured = []
        shape = self.recipe.codes, self.recipe.batch, self.bound.model.latent_dim
        ahead = range(self.step, self.step + steps)
        # Step sizes go to a GPU once a block: every copy has the host wait.
        sizes = torch.tensor([rate(self.recipe, step, self.epoch) for step in ahead])
        for step, size in zip(ahead, sizes.to(self.device), strict=True):
            generators = [generator(self.device, seed, NOISE, step) for seed in self.seeds]
            measured.append(self.update(self._batch(step), noise(shape, generators, size), size))
        self.step += steps
        whole = torch.stack(measured).cpu()
        return whole[..., 0], whole[..., 1:]

    def evaluate(self, evaluation: Evaluation, step: int) -> list[Record]:
        """Measure the members: a row each."""
        codes, time = self.recipe.codes, {"step": step, "epoch": step / self.epoch}
        rows = evaluation.rows(self.bound, self.weights, self.beta, self.seeds, codes, step)
        return [{"seed": seed, **time, **row} for seed, row in zip(self.seeds, rows, strict=True)]

    def _batch(self, step: int) -> Tensor:
        """Numbers of the images of an update, int64 (S, b)."""
        if self.recipe.independent:
            own = [generator(self.device, seed, DRAWN, step) for seed in self.seeds]
            return torch.stack([self.images.draw(self.recipe.batch, drawn) for drawn in own])
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

    def _update(self, numbers: Tensor, drawn: Tensor, size: Tensor) -> Tensor:
        """Update once; give the losses before and `bounds.halves.COLUMNS`, float64 (S, 4)."""
        images = self.images.of_members(numbers)
        found = halved_gradient(self.bound, self.weights, images, drawn, self.beta)
        self.rate.copy_(size)
        for name, weight in self.weights.items():
            if self.optimiser is None:
                weight.sub_(self.rate * found.gradient[name])
            else:
                weight.grad = found.gradient[name]
        if self.optimiser is not None:
            self.optimiser.step()
        return torch.cat([found.losses.double()[:, None], found.squares], dim=1)


def _refuse_divergence(recipe: Recipe, step: int, losses: Sequence[float]) -> None:
    for seed, loss in zip(recipe.seeds, losses, strict=True):
        if not isfinite(loss):
            raise UserError(
                f"training of {recipe.variant} diverged by step {step}: the loss of seed {seed} "
                f"is {loss}: lower learning_rate."
            )
