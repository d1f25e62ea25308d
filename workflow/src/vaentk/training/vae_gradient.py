"""Figure 2's gradient in single precision, in memory that is set aside once.

It computes what :class:`GeneralGradient` does with :class:`MlpVae`. What makes it quick: tanh by
torch's sigmoid and its smoothing by `TanhSmoother`; no tensor made on the way, so that
no page is faulted in; every scaling done by a matrix product; the loss evaluated only when somebody
looks; and a first layer that never needs its weights.
"""

from math import sqrt
from typing import Protocol

import torch
from torch import Tensor

from vaentk.activations import Smoothing
from vaentk.models.forward import Model, Weights
from vaentk.models.mlp_vae import LAYERS, MlpVae
from vaentk.models.tanh_smoothing import TanhSmoother
from vaentk.training.gradient import Observation, Place, Vector, squared_norm
from vaentk.training.graph import Graph
from vaentk.training.objectives import Objective, gaussian_kl

TOLERANCE = 5e-7
"""Error of the latent's smoothing; rounding adds as much again in single precision."""


def fits(model: Model, objective: Objective) -> bool:
    """Say whether :class:`TanhVaeGradient` serves this: single precision, tanh, exact noise."""
    return (
        isinstance(model, MlpVae)
        and model.x.dtype == torch.float32
        and model.activation.name == "tanh"
        and isinstance(model.smoothing, Smoothing)
        and model.smoothing.activation.name == "tanh"
        and model.trained == LAYERS
        and objective.penalty == 0
        and objective.divergence is gaussian_kl
    )


class FirstLayer(Protocol):
    """The layer whose inputs never change, by what is kept of it."""

    shape: tuple[int, ...]
    """Of what is kept, of one member."""

    def write_doubled(self, out: Tensor, kept: Tensor) -> None:
        """Write twice the preactivation, (S, n, m)."""

    def add_to_(self, vector: Tensor, by_preactivation: Tensor, scale: float, keep: float) -> None:
        """Add the gradient, from that by the preactivation, (S, n, m)."""

    def change(self, vector: Tensor) -> Tensor:
        """Give what a displacement is in weights, (S, m, d)."""

    def squared_norm(self, vector: Tensor) -> Tensor:
        """Squared Frobenius norm of that, float64 (S,)."""


class PrimalLayer:
    """The first layer by its weights, ``z = x W^T``."""

    def __init__(self, x: Tensor, initial: Tensor) -> None:
        self.x, self.shape = x, tuple(initial.shape[1:])

    def write_doubled(self, out: Tensor, kept: Tensor) -> None:
        """Write ``2 x W^T``."""
        scaled_product_(out, self.x, kept.mT, 2)

    def add_to_(self, vector: Tensor, by_preactivation: Tensor, scale: float, keep: float) -> None:
        """Add ``dz^T x``."""
        vector.baddbmm_(by_preactivation.mT, self.x, beta=keep, alpha=scale)

    def change(self, vector: Tensor) -> Tensor:
        """Give the displacement itself."""
        return vector

    def squared_norm(self, vector: Tensor) -> Tensor:
        """Sum squares."""
        return squared_norm(vector)


class DualLayer:
    """The first layer by what its inputs contribute: ``W(t) - W(0) = D^T x``, D of (S, n, m).

    ``z = x W(0)^T + x x^T D``, and the gradient by D stands for ``dz``: products of 2 n^2 m
    operations take the place of 4 n d m, and the weights are computed when they are looked at.
    """

    def __init__(self, x: Tensor, initial: Tensor) -> None:
        self.x = x
        self.shape: tuple[int, ...] = (x.shape[1], initial.shape[1])
        self.start = x @ initial.mT
        self.gram = x @ x.mT

    def write_doubled(self, out: Tensor, kept: Tensor) -> None:
        """Write ``2 (z(0) + x x^T D)``."""
        torch.baddbmm(self.start, self.gram, kept, beta=2, alpha=2, out=out)

    def add_to_(self, vector: Tensor, by_preactivation: Tensor, scale: float, keep: float) -> None:
        """Add ``dz``."""
        if keep == 0:
            torch.mul(by_preactivation, scale, out=vector)
        else:
            vector.mul_(keep).add_(by_preactivation, alpha=scale)

    def change(self, vector: Tensor) -> Tensor:
        """Compute ``D^T x``."""
        return vector.mT @ self.x

    def squared_norm(self, vector: Tensor) -> Tensor:
        """Compute ``tr(D^T x x^T D)``, which may round to less than zero."""
        traces: Tensor = torch.linalg.vecdot((self.gram @ vector).flatten(1), vector.flatten(1))
        return traces.double().clamp_(min=0)


class TanhVaeGradient:
    """The gradient of Eq. 4 for the tanh network of Figure 2, as :class:`GeneralGradient` gives it.

    The first layer's displacement is kept as its dual D where that takes fewer operations; the
    latent's smoothing errs by the tolerance, rounding apart.
    """

    def __init__(
        self, model: MlpVae, objective: Objective, initial: Weights, tolerance: float = TOLERANCE
    ) -> None:
        self.model, self.objective = model, objective
        members, m, inputs = initial["enc"].shape
        samples, outputs = objective.targets.shape
        self.targets = objective.targets.expand(members, -1, -1)
        x = model.x.expand(members, -1, -1)
        # A displacement by its dual starts at zero, and the initial weights are apart.
        dual = samples < 2 * inputs
        self.enc: FirstLayer = PrimalLayer(x, initial["enc"])
        if dual:
            self.enc = DualLayer(x, initial["enc"])
        self.shapes = {name: tuple(initial[name].shape[1:]) for name in LAYERS}
        self.shapes["enc"] = self.enc.shape
        kept = {name: initial[name] for name in LAYERS if name != "enc" or not dual}
        self.place = Place(self.shapes, kept, members, x)
        self.initial = initial | {name: self.place.start.layers[name] for name in kept}  # one copy
        self.point = self.place.base

        names = "first second squares mean variance value slope by_variance back by_second by_first"
        self.space = {name: x.new_empty(members, samples, m) for name in names.split()}
        self.residual = x.new_empty(members, samples, outputs)
        self.sigma_squares = x.new_empty(members, m, m)
        self.sigma_growth = x.new_empty(members, m, m)
        self.one, self.minus_one = x.new_tensor(1.0), x.new_tensor(-1.0)
        self.smooth = TanhSmoother(
            *(self.space[k] for k in ("mean", "variance", "value", "slope", "by_variance")),
            tolerance=tolerance,
            # Looking at the variances would make the host wait for the device.
            max_std=None if x.device.type == "cpu" else model.smoothing.max_std,
        )
        self.graph = Graph(self._propagate) if x.is_cuda else None
        self.kl = objective.beta / samples
        if objective.initial is not None:
            self.mean0 = objective.initial.mean
            self.by_shift = self.kl / objective.initial.variance

    def start_from(self, displacement: Vector) -> None:
        """Renew the weights at the base point."""
        self.place.start_from(displacement)

    def evaluate(self, increment: Vector | None = None, step: int = 0) -> None:
        """Go forward and back through the network."""
        self.point = self.place.at(increment, fixed=self.residual.is_cuda)  # for the graph
        # On a CPU nothing of itself is held, so that its memory is free as soon as it is not used.
        (self.graph or self._propagate)()

    def add_to_(self, vector: Vector, scale: float, keep: float = 1.0) -> None:
        """Add the products of the gradients' factors."""
        s, layers = self.space, vector.layers
        m = s["first"].shape[2]
        self.enc.add_to_(layers["enc"], s["by_first"], scale, keep)
        factors = {
            "hid": (s["by_second"], s["first"]),
            "mu": (s["slope"], s["second"]),
            "dec": (self.residual, s["value"]),
        }
        for name, (left, right) in factors.items():
            layers[name].baddbmm_(left.mT, right, beta=keep, alpha=scale / sqrt(m))
        growth = self.sigma_growth
        scaled_product_(growth, s["by_variance"].mT, s["squares"], 2 * scale / m)
        if keep == 0:
            torch.mul(growth, self.point.layers["sigma"], out=layers["sigma"])
        else:
            layers["sigma"].mul_(keep).addcmul_(growth, self.point.layers["sigma"])

    def squared_norms(self, vector: Vector) -> Tensor:
        """Squared norms of the weights that a vector stands for."""
        others = [squared_norm(layer) for name, layer in vector.layers.items() if name != "enc"]
        return torch.stack([self.enc.squared_norm(vector.layers["enc"]), *others])

    def observe(self, step: int = 0) -> Observation:
        """Evaluate network and objective at the base point."""
        displacement = self.place.displacement.layers
        displacement = displacement | {"enc": self.enc.change(displacement["enc"])}
        weights = self.place.base.layers | {"enc": self.initial["enc"] + displacement["enc"]}
        self.point = self.place.base
        self._forward()
        mean, variance = self.space["mean"], self.space["variance"]
        residual = self.residual * len(self.model.x)
        value = self.objective.value(residual, mean, variance, displacement)
        latent_std = variance.amax(dim=(1, 2)).sqrt()
        return Observation(value, latent_std, weights, displacement)

    def _propagate(self) -> None:
        self._forward()
        self._backward()

    def _forward(self) -> None:
        """Compute hidden units, latent and its smoothing, and ``(outputs - targets) / n``."""
        s, w = self.space, self.point.layers
        m, samples = s["first"].shape[2], s["first"].shape[1]
        torch.mul(w["sigma"], w["sigma"], out=self.sigma_squares)
        self.enc.write_doubled(s["first"], w["enc"])
        self._tanh_of_half_(s["first"])
        scaled_product_(s["second"], s["first"], w["hid"].mT, 2 / sqrt(m))
        self._tanh_of_half_(s["second"])
        torch.mul(s["second"], s["second"], out=s["squares"])
        scaled_product_(s["mean"], s["second"], w["mu"].mT, 1 / sqrt(m))
        scaled_product_(s["variance"], s["squares"], self.sigma_squares.mT, 1 / m)
        self.smooth()
        torch.baddbmm(
            self.targets,
            s["value"],
            w["dec"].mT,
            beta=-1 / samples,
            alpha=1 / (samples * sqrt(m)),
            out=self.residual,
        )

    def _backward(self) -> None:
        """Turn the residual into derivatives by mean, variance and both preactivations."""
        s, w = self.space, self.point.layers
        root = sqrt(s["first"].shape[2])
        back, by_mean, by_variance = s["back"], s["slope"], s["by_variance"]
        scaled_product_(back, self.residual, w["dec"], 1 / root)
        by_mean.mul_(back)
        by_variance.mul_(back)
        if self.kl:
            s["mean"].sub_(self.mean0)
            by_mean.addcmul_(s["mean"], self.by_shift)
            by_variance.add_(self.by_shift, alpha=0.5)
            by_variance.addcdiv_(self.one, s["variance"], value=-0.5 * self.kl)
        # tanh' = 1 - tanh^2, in both layers.
        by_second, by_first = s["by_second"], s["by_first"]
        scaled_product_(by_second, by_mean, w["mu"], 1 / root)
        scaled_product_(back, by_variance, self.sigma_squares, 2 / root**2)
        by_second.addcmul_(back, s["second"])
        by_second.addcmul_(by_second, s["squares"], value=-1)
        scaled_product_(by_first, by_second, w["hid"], 1 / root)
        torch.mul(s["first"], s["first"], out=back)
        by_first.addcmul_(by_first, back, value=-1)

    def _tanh_of_half_(self, doubled: Tensor) -> None:
        """Replace ``2 z`` by ``tanh z = 2 sigmoid(2 z) - 1``, six times as fast as torch.tanh."""
        doubled.sigmoid_()
        torch.add(self.minus_one, doubled, alpha=2, out=doubled)


def scaled_product_(out: Tensor, left: Tensor, right: Tensor, scale: float) -> Tensor:
    """Write ``scale * left @ right`` into ``out`` in one call, all (S, ., .)."""
    return out.baddbmm_(left, right, beta=0, alpha=scale)
