"""The gradient of Eq. 7 or Eq. 12 for Eq. 2's network with erf, in memory that is set aside once.

It computes what :class:`GeneralGradient` does with :class:`StochasticNetwork`. With
``r = 1/sqrt(1 + 2v)`` and ``a = u r`` the smoothing of erf and its two derivatives are

    c = erf(a),   dc/du = (2/sqrt(pi)) r exp(-a^2),   dc/dv = -a r dc/du,

and while W_sigma stands still, r does too.
"""

from math import pi, sqrt

import torch
from torch import Tensor

from vaentk.activations import Smoothing
from vaentk.models.forward import Model, Weights
from vaentk.models.snn import StochasticNetwork
from vaentk.training.gradient import (
    Observation,
    Place,
    Shapes,
    Vector,
    observation,
    squared_norms,
)
from vaentk.training.graph import Graph
from vaentk.training.objectives import Objective


def fits(model: Model, objective: Objective) -> bool:
    """Say whether :class:`ErfGradient` serves this: Eq. 2's network, erf, exact noise, no KL."""
    return (
        isinstance(model, StochasticNetwork)
        and isinstance(model.smoothing, Smoothing)
        and model.smoothing.activation.name == "erf"
        and objective.beta == 0
    )


class ErfGradient:
    """The gradient of Eq. 7 or Eq. 12 by the trained layers, see `Gradient`."""

    def __init__(self, model: StochasticNetwork, objective: Objective, initial: Weights) -> None:
        self.model, self.objective = model, objective
        members, m, outputs = initial["mu"].shape
        self.shapes: Shapes = dict.fromkeys(model.trained, (m, outputs))
        trained = {name: initial[name] for name in model.trained}
        self.place = Place(self.shapes, trained, members, initial["mu"])
        self.initial = initial | self.place.start.layers  # one copy of them
        self.weights = self.initial

        self.x = model.x.expand(members, -1, -1)
        self.squares = self.x.square()
        self.targets = objective.targets.expand(members, -1, -1)
        names = "argument root value slope by_mean by_variance"
        samples = len(model.x)
        self.space = {k: self.x.new_empty(members, samples, m) for k in names.split()}
        self.residual = torch.empty_like(self.squares)
        self.sigma = torch.empty_like(initial["sigma"])
        self.one = self.x.new_tensor(1.0)
        self._write_root(initial["sigma"])
        self.graph = Graph(self._propagate) if self.residual.is_cuda else None

    def start_from(self, displacement: Vector) -> None:
        """Renew the weights at the base point."""
        self.place.start_from(displacement)

    def evaluate(self, increment: Vector | None = None, step: int = 0) -> None:
        """Go forward and back through the network."""
        point = self.place.at(increment, fixed=self.residual.is_cuda)  # for the graph
        self.weights = self.initial | point.layers
        # On a CPU nothing of itself is held, so that its memory is free as soon as it is not used.
        (self.graph or self._propagate)()

    def add_to_(self, vector: Vector, scale: float, keep: float = 1.0) -> None:
        """Add the products of the gradients' factors, and Eq. 12's penalty."""
        s, layers, root = self.space, vector.layers, sqrt(self.model.width)
        layers["mu"].baddbmm_(s["by_mean"].mT, self.x, beta=keep, alpha=scale)
        if "sigma" in layers:
            growth = self.sigma.baddbmm_(s["by_variance"].mT, self.squares, beta=0, alpha=2 * scale)
            if keep == 0:
                torch.mul(growth, self.weights["sigma"], out=layers["sigma"])
            else:
                layers["sigma"].mul_(keep).addcmul_(growth, self.weights["sigma"])
        if "d" in layers:
            layers["d"].baddbmm_(s["value"].mT, self.residual, beta=keep, alpha=scale / root)
        if self.objective.penalty:
            self.place.add_penalty_(vector, scale * self.objective.penalty)

    def squared_norms(self, vector: Vector) -> Tensor:
        """Sum squares."""
        return squared_norms(vector)

    def observe(self, step: int = 0) -> Observation:
        """Evaluate network and objective at the base point."""
        return observation(self.model, self.objective, self.initial, self.place, step)

    def _write_root(self, sigma: Tensor) -> None:
        """Write ``1/sqrt(1 + 2v)``."""
        torch.mul(sigma, sigma, out=self.sigma)
        torch.baddbmm(
            self.one.expand_as(self.space["root"]),
            self.squares,
            self.sigma.mT,
            alpha=2,
            out=self.space["root"],
        ).rsqrt_()

    def _propagate(self) -> None:
        s, w, root = self.space, self.weights, sqrt(self.model.width)
        if "sigma" in self.shapes:
            self._write_root(w["sigma"])
        argument, slope = s["argument"], s["slope"]
        argument.baddbmm_(self.x, w["mu"].mT, beta=0).mul_(s["root"])
        torch.erf(argument, out=s["value"])
        torch.mul(argument, argument, out=slope).neg_().exp_().mul_(s["root"])
        torch.baddbmm(
            self.targets,
            s["value"],
            w["d"],
            beta=-1 / len(self.model.x),
            alpha=1 / (len(self.model.x) * root),
            out=self.residual,
        )
        # The derivative by the value, then by mean and variance.
        by_mean, by_variance = s["by_mean"], s["by_variance"]
        by_mean.baddbmm_(self.residual, w["d"].mT, beta=0, alpha=2 / (sqrt(pi) * root))
        by_mean.mul_(slope)
        if "sigma" in self.shapes:
            torch.mul(argument, s["root"], out=by_variance).mul_(by_mean).neg_()
