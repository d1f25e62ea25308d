"""What is kept of members at the moments they are observed: losses, how far weights moved, outputs.

The displacement from initialisation has a buffer of its own, ``W(t) = W(0) + Delta(t)``: a step
moves a weight of order 1 by less than a unit in its last place for a growing share of the weights
of a wide network, and a float32 weight would swallow it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vaentk.errors import UserError
from vaentk.models.forward import Model, Weights
from vaentk.training.gradient import Gradient, Observation
from vaentk.training.state import Record, State

DIVERGED = 1e3
"""A loss this many times its initial value has diverged."""

Observe = Callable[[int, Weights], list[Record]]
"""Further observations at a moment, by its place among all: one record a member from the weights;
what a record lacks is not a number in the table."""


@dataclass(frozen=True)
class Recorder:
    """Observes members with these seeds."""

    initial: Weights
    """``W(0)`` by layer, (S, p, q)."""
    seeds: tuple[int, ...]
    observe: Observe | None = None
    """Sees more; what it returns is added to the records."""
    keep: Model | None = None
    """The network on the inputs whose outputs are kept, as ``outputs/<step>`` (S, n, d); they may
    be others than those it is trained on."""

    @cached_property
    def start(self) -> Weights:
        """Frobenius norm of ``W(0)`` by layer, float64 (S,)."""
        norm = torch.linalg.vector_norm
        return {
            name: norm(norm(weight, dim=2, dtype=torch.float64), dim=1)
            for name, weight in self.initial.items()
        }

    def record(self, state: State, gradient: Gradient, time: float, **more: float) -> None:
        """Add an observation of the base point: a record a member, and outputs.

        A record has seed, step (the state's), time, losses, the largest standard deviation of a
        latent unit, and per layer the relative Frobenius change and the largest change of a row.

        Raises
        ------
        UserError
            When a loss is not finite or has risen a thousandfold.
        """
        seen = gradient.observe(state.step)
        self.refuse_divergence(state, seen, time)
        further = self.observe(state.step, seen.weights) if self.observe is not None else None
        columns = self._columns(seen)
        values = {name: column.tolist() for name, column in columns.items()}
        for member, seed in enumerate(self.seeds):
            record = {"seed": seed, "step": state.step, "time": time} | more
            record |= {name: column[member] for name, column in values.items()}
            state.records.append(record | (further[member] if further else {}))
        if self.keep is not None:
            outputs = self.keep.forward(seen.weights, state.step).outputs
            state.tensors[f"outputs/{state.step}"] = outputs

    def refuse_divergence(self, state: State, seen: Observation, time: float) -> None:
        """Refuse losses that are not finite or a thousand times the first."""
        total, first = seen.value.total, seen.value.total
        if state.records:
            losses = [record["loss"] for record in state.records[: len(self.seeds)]]
            first = total.new_tensor(losses)
        fine = torch.isfinite(total) & (total <= DIVERGED * first)
        if bool(fine.all()):
            return
        member = int((~fine).nonzero()[0])
        raise UserError(
            f"training diverged by time {time:.4g} (Eq. 7's units): the loss of seed "
            f"{self.seeds[member]} went from {float(first[member]):.4g} to "
            f"{float(total[member]):.4g}; lower learning_rate, or accuracy"
        )

    def _columns(self, seen: Observation) -> dict[str, Tensor]:
        columns = {
            "loss": seen.value.total,
            "reconstruction": seen.value.reconstruction,
            "kl": seen.value.kl,
            "latent_std": seen.latent_std,
        }
        for name, displacement in seen.displacement.items():
            rows = torch.linalg.vector_norm(displacement, dim=2, dtype=torch.float64)
            columns[f"change_{name}"] = torch.linalg.vector_norm(rows, dim=1) / self.start[name]
            columns[f"row_{name}"] = rows.max(dim=1).values
        return columns
