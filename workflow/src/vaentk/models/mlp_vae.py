"""The three-hidden-layer fully connected VAE of Figure 2 (Wang & Huang 2024, section 6.1)."""

from dataclasses import dataclass
from math import sqrt

from jaxtyping import Float
from torch import Tensor

from vaentk.activations import Activation
from vaentk.models.forward import Cotangent, Forward, Tangent, Weights
from vaentk.models.gradient import LayerGradient
from vaentk.models.initial import standard_normal
from vaentk.models.latent import Latent

LAYERS = ("enc", "hid", "mu", "sigma", "dec")
"""Layer names, input to output; the paper plots all but sigma."""


@dataclass(frozen=True)
class MlpVae:
    """``x -enc-> phi -hid-> phi -(mu, sigma)-> z -E phi-> dec -> x_hat``, all hidden sizes m.

    NTK parametrisation: weights ~ N(0, 1), W_sigma = sigma0, every layer divided by the square root
    of its fan-in except the first, whose inputs have unit norm already (as in Eq. 2); no bias. The
    latent is Gaussian and its expectation exact: mean ``W_mu h / sqrt(m)``, variance
    ``sum_a (w_sigma_ra h_a)^2 / m``.
    """

    x: Float[Tensor, "n d"]
    """Inputs, unit rows; they are the targets too."""
    width: int
    """m, the size of both hidden layers and of the latent."""
    sigma0: float
    """Initial value of every entry of W_sigma."""
    activation: Activation
    """``phi`` of the two deterministic hidden layers."""
    smoothing: Latent
    """How the noise enters ``phi`` after the latent layer; its Gaussian smoothing is exact."""
    trained: tuple[str, ...] = LAYERS

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw every layer's initial weights: (S, fan-out, fan-in)."""
        m, d = self.width, self.x.shape[1]
        dtype, device = self.x.dtype, self.x.device
        return {
            "enc": standard_normal((m, d), seeds, 0, dtype, device),
            "hid": standard_normal((m, m), seeds, 1, dtype, device),
            "mu": standard_normal((m, m), seeds, 2, dtype, device),
            "sigma": self.x.new_full((len(seeds), m, m), self.sigma0),
            "dec": standard_normal((d, m), seeds, 3, dtype, device),
        }

    def forward(self, weights: Weights, step: int = 0) -> Forward:
        """Evaluate the reconstruction of all samples: (S, n, d)."""
        root = sqrt(self.width)
        first, first_slope, _ = self.activation.derivatives(self.x @ weights["enc"].mT)
        second, second_slope, _ = self.activation.derivatives((first @ weights["hid"].mT) / root)
        mean = (second @ weights["mu"].mT) / root
        variance = (second.square() @ weights["sigma"].square().mT) / self.width
        smoothed = self.smoothing(mean, variance, step)
        outputs = (smoothed.value @ weights["dec"].mT) / root
        hidden, slopes = (first, second), (first_slope, second_slope)
        return Forward(outputs, mean, variance, *smoothed, hidden=hidden, hidden_slopes=slopes)

    def gradients(
        self, weights: Weights, forward: Forward, cotangent: Cotangent
    ) -> dict[str, LayerGradient]:
        """Pull a cotangent back through the four layers: exact gradients of all five matrices."""
        root = sqrt(self.width)
        first, second = forward.hidden
        d_value = (cotangent.outputs @ weights["dec"]) / root
        d_mean = d_value * forward.slope
        d_variance = d_value * forward.curvature * 0.5
        if cotangent.mean is not None and cotangent.variance is not None:
            d_mean += cotangent.mean
            d_variance += cotangent.variance
        d_mean /= root
        d_variance *= 2 / self.width
        d_second = d_mean @ weights["mu"]
        d_second += (d_variance @ weights["sigma"].square()) * second
        d_second *= forward.hidden_slopes[1] / root
        d_first = (d_second @ weights["hid"]) * forward.hidden_slopes[0]
        members = forward.outputs.shape[0]
        return {
            "enc": LayerGradient(d_first, self.x.expand(members, -1, -1)),
            "hid": LayerGradient(d_second, first),
            "mu": LayerGradient(d_mean, second),
            "sigma": LayerGradient(d_variance, second.square(), factor=weights["sigma"]),
            "dec": LayerGradient(cotangent.outputs, forward.value / root),
        }

    def push_forward(self, weights: Weights, forward: Forward, direction: Weights) -> Tangent:
        """Differentiate outputs and latent along a direction in all five matrices, exactly."""
        root = sqrt(self.width)
        first, second = forward.hidden
        d_first = (self.x @ direction["enc"].mT) * forward.hidden_slopes[0]
        d_second = first @ direction["hid"].mT + d_first @ weights["hid"].mT
        d_second *= forward.hidden_slopes[1] / root
        mean = (second @ direction["mu"].mT + d_second @ weights["mu"].mT) / root
        spread = second.square() @ (weights["sigma"] * direction["sigma"]).mT
        spread += (second * d_second) @ weights["sigma"].square().mT
        variance = spread * (2 / self.width)
        value = forward.slope * mean + forward.curvature * variance / 2
        outputs = (value @ weights["dec"].mT + forward.value @ direction["dec"].mT) / root
        return Tangent(outputs, mean, variance)
