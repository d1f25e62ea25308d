"""Figure 2's step of gradient descent in single precision, in memory that is set aside once.

It computes what :class:`GeneralUpdate` computes with :class:`MlpVae`. What makes it quick: tanh by
torch's sigmoid and its smoothing by `TanhSmoother`; no tensor made during a step, so that
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
from vaentk.training.graph import Graph
from vaentk.training.objectives import Objective
from vaentk.training.update import Observation

TOLERANCE = 5e-7
"""Error of the latent's smoothing; rounding adds as much again in single precision."""


def fits(model: Model, objective: Objective) -> bool:
    """Say whether :class:`TanhVaeUpdate` trains this: single precision, tanh, exact noise."""
    return (
        isinstance(model, MlpVae)
        and model.x.dtype == torch.float32
        and model.activation.name == "tanh"
        and isinstance(model.smoothing, Smoothing)
        and model.smoothing.activation.name == "tanh"
        and model.trained == LAYERS
        and objective.penalty == 0
    )


class FirstLayer(Protocol):
    """The layer whose inputs never change."""

    def write_scaled(self, out: Tensor, scale: float) -> None:
        """Write ``scale`` times the preactivation, (S, n, m)."""

    def move(self, by_preactivation: Tensor, rate: float) -> None:
        """Make a step against the gradient by the preactivation, (S, n, m)."""

    def displacement(self) -> Tensor:
        """Give ``W(t) - W(0)``, (S, m, d)."""


class PrimalLayer:
    """The first layer by its weights, ``z = x W^T``."""

    def __init__(self, x: Tensor, initial: Tensor, displacement: Tensor) -> None:
        self.x, self.initial, self.change = x, initial, displacement
        self.weights = initial + displacement

    def write_scaled(self, out: Tensor, scale: float) -> None:
        """Write ``scale * x W^T``."""
        scaled_product_(out, self.x, self.weights.mT, scale)

    def move(self, by_preactivation: Tensor, rate: float) -> None:
        """Take ``rate * dz^T x`` from the displacement."""
        self.change.baddbmm_(by_preactivation.mT, self.x, alpha=-rate)
        torch.add(self.initial, self.change, out=self.weights)

    def displacement(self) -> Tensor:
        """Give the displacement itself."""
        return self.change


class DualLayer:
    """The first layer by what its inputs contribute: ``W(t) - W(0) = D^T x``, D of (S, n, m).

    ``z = x W(0)^T + x x^T D``, and a step takes ``rate * dz`` from D: products of 2 n^2 m
    operations take the place of 4 n d m, and the weights are computed when they are looked at.
    """

    def __init__(self, x: Tensor, initial: Tensor, dual: Tensor) -> None:
        self.x, self.dual = x, dual
        self.start = x @ initial.mT
        self.gram = x @ x.mT

    def write_scaled(self, out: Tensor, scale: float) -> None:
        """Write ``scale * (z(0) + x x^T D)``."""
        torch.baddbmm(self.start, self.gram, self.dual, beta=scale, alpha=scale, out=out)

    def move(self, by_preactivation: Tensor, rate: float) -> None:
        """Take ``rate * dz`` from D."""
        self.dual.add_(by_preactivation, alpha=-rate)

    def displacement(self) -> Tensor:
        """Compute ``D^T x``."""
        return self.dual.mT @ self.x


class TanhVaeUpdate:
    """Descends on Eq. 4 with the tanh network of Figure 2, as :class:`GeneralUpdate` does.

    ``dual`` holds the first layer's D under "enc" where it is kept so, moved in place; then
    ``displacement`` has no "enc". The latent's smoothing errs by the tolerance, rounding apart.
    """

    def __init__(
        self,
        model: MlpVae,
        objective: Objective,
        initial: Weights,
        displacement: Weights,
        dual: Weights,
        rate: float,
        tolerance: float = TOLERANCE,
    ) -> None:
        self.model, self.objective, self.rate = model, objective, rate
        self.initial, self.change = initial, displacement
        self.weights = {k: w + displacement[k] for k, w in initial.items() if k != "enc"}
        members, m, _ = initial["hid"].shape
        samples, outputs = objective.targets.shape
        self.targets = objective.targets.expand(members, -1, -1)
        x = model.x.expand(members, -1, -1)
        self.enc: FirstLayer = (
            DualLayer(x, initial["enc"], dual["enc"])
            if "enc" in dual
            else PrimalLayer(x, initial["enc"], displacement["enc"])
        )

        names = "first second squares mean variance value slope by_variance back by_second by_first"
        self.space = {name: x.new_empty(members, samples, m) for name in names.split()}
        self.residual = x.new_empty(members, samples, outputs)
        self.sigma_squares = self.weights["sigma"].square()
        self.sigma_growth = x.new_empty(members, m, m)
        self.one, self.minus_one = x.new_tensor(1.0), x.new_tensor(-1.0)
        self.smooth = TanhSmoother(
            *(self.space[k] for k in ("mean", "variance", "value", "slope", "by_variance")),
            tolerance=tolerance,
            # Looking at the variances would make the host wait for the device.
            max_std=None if x.device.type == "cpu" else model.smoothing.max_std,
        )
        self.advance = Graph(self._advance) if x.is_cuda else self._advance
        self.kl = objective.beta / samples
        if objective.initial is not None:
            self.mean0 = objective.initial.mean
            self.by_shift = self.kl / objective.initial.variance

    def __call__(self, step: int) -> None:
        """Go from ``step`` updates to one more."""
        self.advance()

    def observe(self, step: int) -> Observation:
        """Evaluate network and objective by the model's own forward pass."""
        displacement = {"enc": self.enc.displacement()} | self.change
        weights = {"enc": self.initial["enc"] + displacement["enc"]} | self.weights
        forward = self.model.forward(weights, step)
        value, _ = self.objective.evaluate(forward, displacement)
        return Observation(forward, value, weights, displacement)

    def _advance(self) -> None:
        self._forward()
        self._backward()
        self._move()

    def _forward(self) -> None:
        """Compute hidden units, latent and its smoothing, and ``(outputs - targets) / n``."""
        s, w = self.space, self.weights
        m, samples = s["first"].shape[2], s["first"].shape[1]
        self.enc.write_scaled(s["first"], 2)
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
        s, w = self.space, self.weights
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

    def _move(self) -> None:
        """Take the gradients' products from the displacements and renew the weights."""
        s = self.space
        m = s["first"].shape[2]
        self.enc.move(s["by_first"], self.rate)
        factors = {
            "hid": (s["by_second"], s["first"]),
            "mu": (s["slope"], s["second"]),
            "dec": (self.residual, s["value"]),
        }
        for name, (left, right) in factors.items():
            self.change[name].baddbmm_(left.mT, right, alpha=-self.rate / sqrt(m))
            torch.add(self.initial[name], self.change[name], out=self.weights[name])
        sigma = self.weights["sigma"]
        growth = self.sigma_growth
        scaled_product_(growth, s["by_variance"].mT, s["squares"], -2 * self.rate / m)
        self.change["sigma"].addcmul_(growth, sigma)
        torch.add(self.initial["sigma"], self.change["sigma"], out=sigma)
        torch.mul(sigma, sigma, out=self.sigma_squares)

    def _tanh_of_half_(self, doubled: Tensor) -> None:
        """Replace ``2 z`` by ``tanh z = 2 sigmoid(2 z) - 1``, six times as fast as torch.tanh."""
        doubled.sigmoid_()
        torch.add(self.minus_one, doubled, alpha=2, out=doubled)


def scaled_product_(out: Tensor, left: Tensor, right: Tensor, scale: float) -> Tensor:
    """Write ``scale * left @ right`` into ``out`` in one call, all (S, ., .)."""
    return out.baddbmm_(left, right, beta=0, alpha=scale)
