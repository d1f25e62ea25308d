"""The gradient of an objective by the displacement, for any network, in memory that is reused.

Gradient flow and gradient descent both ask for the gradient at points near one base point, and
add it to vectors of their own. A full-batch gradient is a product of thin matrices, so it is kept
as factors until it is added.
"""

from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from vaentk.models.forward import Model, Weights
from vaentk.models.gradient import LayerGradient
from vaentk.training.objectives import Objective, ObjectiveValue

Shapes = dict[str, tuple[int, ...]]
"""By layer, of one member."""


class Vector(NamedTuple):
    """A displacement, or what is added to one."""

    flat: Tensor
    """All layers in a row, (S, P)."""
    layers: Weights
    """The same numbers by layer, (S, ...) each."""

    @classmethod
    def of(cls, flat: Tensor, shapes: Shapes) -> Self:
        """Divide a row of numbers into layers, no copies."""
        parts, start = {}, 0
        for name, shape in shapes.items():
            size = torch.Size(shape).numel()
            parts[name] = flat[:, start : start + size].view(len(flat), *shape)
            start += size
        return cls(flat, parts)

    @classmethod
    def zero(cls, shapes: Shapes, members: int, like: Tensor) -> Self:
        """Make a vector of zeros, of the dtype and on the device of ``like``."""
        size = sum(torch.Size(shape).numel() for shape in shapes.values())
        return cls.of(like.new_zeros(members, size), shapes)


class Place:
    """Where a gradient is evaluated, in memory that is set aside once.

    ``initial`` has ``W(0)`` of the layers that move, or of some: a layer whose displacement is kept
    in other coordinates starts from zeros.
    """

    def __init__(self, shapes: Shapes, initial: Weights, members: int, like: Tensor) -> None:
        self.start, self.base, self.moved = (Vector.zero(shapes, members, like) for _ in range(3))
        for name, weight in initial.items():
            self.start.layers[name].copy_(weight)
        self.displacement = self.base
        self.increment: Vector | None = None

    def start_from(self, displacement: Vector) -> None:
        """Renew the weights at the base point."""
        self.displacement = displacement
        torch.add(self.start.flat, displacement.flat, out=self.base.flat)

    def at(self, increment: Vector | None, fixed: bool = False) -> Vector:
        """Return the weights at the base point plus an increment, always the same tensor if so."""
        self.increment = increment
        if increment is not None:
            torch.add(self.base.flat, increment.flat, out=self.moved.flat)
        elif fixed:
            self.moved.flat.copy_(self.base.flat)
        return self.moved if increment is not None or fixed else self.base

    def add_penalty_(self, vector: Vector, scale: float) -> None:
        """Add where it was evaluated last, less ``W(0)``, ``scale`` times."""
        vector.flat.add_(self.displacement.flat, alpha=scale)
        if self.increment is not None:
            vector.flat.add_(self.increment.flat, alpha=scale)


class Observation(NamedTuple):
    """All members at the base point."""

    value: ObjectiveValue
    latent_std: Tensor
    """Largest standard deviation of a latent unit, (S,)."""
    weights: Weights
    """``W(t)`` by layer, (S, p, q)."""
    displacement: Weights
    """``W(t) - W(0)`` of the trained layers, (S, p, q)."""


class Gradient(Protocol):
    """The gradient of all members' objectives, in Eq. 7's units, by a displacement."""

    @property
    def initial(self) -> Weights:
        """``W(0)`` by layer, (S, p, q)."""

    @property
    def shapes(self) -> Shapes:
        """Of a displacement."""

    def start_from(self, displacement: Vector) -> None:
        """Make a displacement the base point; it is read now, and by what follows."""

    def evaluate(self, increment: Vector | None = None, step: int = 0) -> None:
        """Evaluate at the base point plus an increment; ``step`` is of training, for its noise."""

    def add_to_(self, vector: Vector, scale: float, keep: float = 1.0) -> None:
        """Set a vector to ``keep`` times itself plus ``scale`` times the gradient, in place."""

    def squared_norms(self, vector: Vector) -> Tensor:
        """Squared Frobenius norm of every layer's weights, float64 (layers, S)."""

    def observe(self, step: int = 0) -> Observation:
        """Evaluate network and objective at the base point."""


class GeneralGradient:
    """The gradient that a model gives, of any objective, at initial weights (S, p, q) by layer."""

    def __init__(self, model: Model, objective: Objective, initial: Weights) -> None:
        self.model, self.objective = model, objective
        self.shapes = {name: tuple(initial[name].shape[1:]) for name in model.trained}
        like = initial[model.trained[0]]
        trained = {name: initial[name] for name in model.trained}
        self.place = Place(self.shapes, trained, len(like), like)
        self.initial = initial | self.place.start.layers  # one copy of them
        self.factors: dict[str, LayerGradient] = {}

    def start_from(self, displacement: Vector) -> None:
        """Renew the weights at the base point."""
        self.place.start_from(displacement)

    def evaluate(self, increment: Vector | None = None, step: int = 0) -> None:
        """Go forward and back through the network."""
        weights = self.initial | self.place.at(increment).layers
        forward = self.model.forward(weights, step)
        cotangent = self.objective.cotangent(forward)
        self.factors = self.model.gradients(weights, forward, cotangent)

    def add_to_(self, vector: Vector, scale: float, keep: float = 1.0) -> None:
        """Add the factors' products, and Eq. 12's penalty."""
        for name, factors in self.factors.items():
            factors.add_to_(vector.layers[name], scale, keep)
        if self.objective.penalty:
            self.place.add_penalty_(vector, scale * self.objective.penalty)

    def squared_norms(self, vector: Vector) -> Tensor:
        """Sum squares."""
        return squared_norms(vector)

    def observe(self, step: int = 0) -> Observation:
        """Evaluate network and objective at the base point."""
        return observation(self.model, self.objective, self.initial, self.place, step)


def observation(
    model: Model, objective: Objective, initial: Weights, place: Place, step: int = 0
) -> Observation:
    """Evaluate network and objective at the base point by the model's own forward pass."""
    weights, displacement = initial | place.base.layers, place.displacement.layers
    forward = model.forward(weights, step)
    residual = forward.outputs - objective.targets
    value = objective.value(residual, forward.mean, forward.variance, displacement)
    latent_std = forward.variance.amax(dim=(1, 2)).sqrt()
    return Observation(value, latent_std, weights, displacement)


def squared_norms(vector: Vector) -> Tensor:
    """Squared Frobenius norm of every layer and member, float64 (layers, S)."""
    return torch.stack([squared_norm(layer) for layer in vector.layers.values()])


def squared_norm(tensor: Tensor) -> Tensor:
    """Squared Frobenius norm of every member's (p, q) part, float64 (S,).

    Rows are short enough to be summed in their own dtype, which takes a third of the time.
    """
    rows: Tensor = torch.linalg.vector_norm(tensor, dim=2).double()
    return rows.square_().sum(dim=1)
