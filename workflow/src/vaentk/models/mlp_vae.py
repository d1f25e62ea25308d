"""The fully connected VAE of Figure 2 (Wang & Huang 2024, section 6.1), and deeper or shallower."""

from dataclasses import dataclass
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from vaentk.activations import Activation
from vaentk.models.forward import Cotangent, Forward, Tangent, Weights
from vaentk.models.gradient import LayerGradient
from vaentk.models.initial import standard_normal
from vaentk.models.latent import Latent

LAYERS = ("enc", "hid", "mu", "sigma", "dec")
"""Layer names of Figure 2, input to output; the paper plots all but sigma."""

HIDDEN = ("hid", "hid2", "hid3")
"""Names of the layers between the first and the latent one, as far as the depth goes."""


@dataclass(frozen=True)
class MlpVae:
    """``x -enc-> phi -hid-> phi -(mu, sigma)-> z -E phi-> dec -> x_hat``, all hidden sizes m.

    These are Figure 2's three hidden layers, the latent one among them; other depths have more
    layers like hid, or none. NTK parametrisation: weights ~ N(0, 1), W_sigma = sigma0, every layer
    divided by the square root of its fan-in except the first, whose inputs have unit norm already
    (as in Eq. 2); no bias. The latent is Gaussian and its expectation exact: mean
    ``W_mu h / sqrt(m)``, variance ``sum_a (w_sigma_ra h_a)^2 / m``.
    """

    x: Float[Tensor, "n d"]
    """Inputs, unit rows."""
    width: int
    """m, the size of both hidden layers and of the latent."""
    sigma0: float
    """Initial value of every entry of W_sigma."""
    activation: Activation
    """``phi`` of the two deterministic hidden layers."""
    smoothing: Latent
    """How the noise enters ``phi`` after the latent layer; its Gaussian smoothing is exact."""
    trained: tuple[str, ...] = LAYERS
    depth: int = 3
    """Hidden layers, the latent one among them: 2 to 5."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers, input to output."""
        return ("enc", *self.hidden_layers, "mu", "sigma", "dec")

    @property
    def hidden_layers(self) -> tuple[str, ...]:
        """Names of the layers between the first and the latent one."""
        return HIDDEN[: self.depth - 2]

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw every layer's initial weights: (S, fan-out, fan-in)."""
        m, d = self.width, self.x.shape[1]
        dtype, device = self.x.dtype, self.x.device
        shapes = {"enc": (m, d), "mu": (m, m), "dec": (d, m)} | dict.fromkeys(HIDDEN, (m, m))
        weights = {"sigma": self.x.new_full((len(seeds), m, m), self.sigma0)}
        for stream, name in enumerate(("enc", "hid", "mu", "dec", "hid2", "hid3")):
            if name in self.layers:
                weights[name] = standard_normal(shapes[name], seeds, stream, dtype, device)
        return {name: weights[name] for name in self.layers}

    def forward(self, weights: Weights, step: int = 0) -> Forward:
        """Evaluate the reconstruction of all samples: (S, n, d)."""
        root = sqrt(self.width)
        units, slope, _ = self.activation.derivatives(self.x @ weights["enc"].mT)
        hidden, slopes = [units], [slope]
        for name in self.hidden_layers:
            units, slope, _ = self.activation.derivatives((units @ weights[name].mT) / root)
            hidden.append(units)
            slopes.append(slope)
        mean = (units @ weights["mu"].mT) / root
        variance = (units.square() @ weights["sigma"].square().mT) / self.width
        smoothed = self.smoothing(mean, variance, step)
        outputs = (smoothed.value @ weights["dec"].mT) / root
        return Forward(outputs, mean, variance, *smoothed, tuple(hidden), tuple(slopes))

    def gradients(
        self, weights: Weights, forward: Forward, cotangent: Cotangent
    ) -> dict[str, LayerGradient]:
        """Pull a cotangent back through all layers: exact gradients of those that are trained."""
        root = sqrt(self.width)
        last = forward.hidden[-1]
        d_value = (cotangent.outputs @ weights["dec"]) / root
        d_mean = d_value * forward.slope
        d_variance = d_value * forward.curvature * 0.5
        if cotangent.mean is not None and cotangent.variance is not None:
            d_mean += cotangent.mean
            d_variance += cotangent.variance
        d_mean /= root
        d_variance *= 2 / self.width
        gradients = {
            "mu": LayerGradient(d_mean, last),
            "sigma": LayerGradient(d_variance, last.square(), factor=weights["sigma"]),
            "dec": LayerGradient(cotangent.outputs, forward.value / root),
        }
        back = d_mean @ weights["mu"]
        back += (d_variance @ weights["sigma"].square()) * last
        for place in range(len(self.hidden_layers), 0, -1):
            name = self.hidden_layers[place - 1]
            back *= forward.hidden_slopes[place] / root
            gradients[name] = LayerGradient(back, forward.hidden[place - 1])
            back = back @ weights[name]
        back = back * forward.hidden_slopes[0]
        members = forward.outputs.shape[0]
        gradients["enc"] = LayerGradient(back, self.x.expand(members, -1, -1))
        return {name: gradients[name] for name in self.trained}

    def push_forward(self, weights: Weights, forward: Forward, direction: Weights) -> Tangent:
        """Differentiate outputs and latent along a direction in the trained weights, exactly."""
        root = sqrt(self.width)
        still = {name: torch.zeros_like(weights[name]) for name in self.layers}
        along = still | direction
        last = forward.hidden[-1]
        moved = (self.x @ along["enc"].mT) * forward.hidden_slopes[0]
        for place, name in enumerate(self.hidden_layers, 1):
            moved = forward.hidden[place - 1] @ along[name].mT + moved @ weights[name].mT
            moved *= forward.hidden_slopes[place] / root
        mean = (last @ along["mu"].mT + moved @ weights["mu"].mT) / root
        spread = last.square() @ (weights["sigma"] * along["sigma"]).mT
        spread += (last * moved) @ weights["sigma"].square().mT
        variance = spread * (2 / self.width)
        value = forward.slope * mean + forward.curvature * variance / 2
        outputs = (value @ weights["dec"].mT + forward.value @ along["dec"].mT) / root
        return Tangent(outputs, mean, variance)
