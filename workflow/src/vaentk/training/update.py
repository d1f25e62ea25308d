"""One step of gradient descent, for any network, and what can be seen between two steps."""

from typing import NamedTuple, Protocol

import torch

from vaentk.models.forward import Cotangent, Forward, Model, Weights
from vaentk.training.objectives import Objective, ObjectiveValue


class Observation(NamedTuple):
    """All members between two steps."""

    forward: Forward
    value: ObjectiveValue
    weights: Weights
    """``W(t)`` by layer, (S, p, q)."""
    displacement: Weights
    """``W(t) - W(0)`` of the trained layers, (S, p, q)."""


class Update(Protocol):
    """Moves all members by one step of gradient descent, in place."""

    def __call__(self, step: int) -> None:
        """Go from ``step`` updates to one more."""

    def observe(self, step: int) -> Observation:
        """Evaluate network and objective after ``step`` updates; valid until the next one."""


class GeneralUpdate:
    """Descends with the gradients that a model gives, at a learning rate in Eq. 7's units.

    ``initial`` is ``W(0)`` by layer, (S, p, q), and ``displacement`` ``W(t) - W(0)`` of the trained
    layers, moved in place.
    """

    def __init__(
        self,
        model: Model,
        objective: Objective,
        initial: Weights,
        displacement: Weights,
        rate: float,
    ) -> None:
        self.model, self.objective, self.rate = model, objective, rate
        self.initial, self.displacement = initial, displacement
        self.weights = initial | {k: initial[k] + delta for k, delta in displacement.items()}
        self._last: tuple[int, Forward, ObjectiveValue, Cotangent] | None = None

    def __call__(self, step: int) -> None:
        """Go from ``step`` updates to one more."""
        _, forward, _, cotangent = self._evaluate(step)
        self._last = None
        decay = 1 - self.rate * self.objective.penalty
        for name, gradient in self.model.gradients(self.weights, forward, cotangent).items():
            displacement = self.displacement[name]
            if self.objective.penalty:
                displacement.mul_(decay)
            gradient.add_to_(displacement, -self.rate)
            torch.add(self.initial[name], displacement, out=self.weights[name])

    def observe(self, step: int) -> Observation:
        """Evaluate network and objective; an update from the same step does not do so again."""
        _, forward, value, _ = self._evaluate(step)
        return Observation(forward, value, self.weights, self.displacement)

    def _evaluate(self, step: int) -> tuple[int, Forward, ObjectiveValue, Cotangent]:
        if self._last is None or self._last[0] != step:
            forward = self.model.forward(self.weights, step)
            self._last = step, forward, *self.objective.evaluate(forward, self.displacement)
        return self._last
