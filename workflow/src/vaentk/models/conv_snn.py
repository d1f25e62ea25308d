"""Eq. 2's network with a convolutional encoder: filters that all patches of an image share.

Channels take the place of the width. With patches x_p, p = 1..P, and filters r = 1..m,

    f_hat(x) = (m P)^(-1/2) sum_p sum_r W_d[(p, r)] E phi(z_rp)
    z_rp     = <w_mu_r + w_sigma_r * zeta, x_p>

so that ``z_rp ~ N(<w_mu_r, x_p>, sum_a (w_sigma_ra x_pa)^2)``. It is Eq. 2 a patch, with W_mu and
W_sigma in common and a W_d for each; with one patch it is Eq. 2.
"""

from dataclasses import dataclass
from math import isqrt, sqrt

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import unfold

from vaentk.models.forward import Cotangent, Forward, Tangent, Weights
from vaentk.models.gradient import LayerGradient
from vaentk.models.initial import standard_normal
from vaentk.models.latent import Latent
from vaentk.models.snn import LAYERS


def patches(x: Float[Tensor, "n d"], size: int, stride: int) -> Float[Tensor, "n P a"]:
    """Cut square images into patches of ``size * size`` pixels, a = size^2, row by row.

    Images have a border of ``size // 2`` zeros. Every image is scaled so that the mean square of
    its patches' norms is 1, as that of Eq. 2's inputs; a patch may be blank.
    """
    side = isqrt(x.shape[1])
    images = x.view(len(x), 1, side, side)
    cut = unfold(images, size, padding=size // 2, stride=stride).mT
    scale = torch.linalg.vector_norm(cut, dim=(1, 2), keepdim=True) / sqrt(cut.shape[1])
    scaled: Tensor = (cut / scale).contiguous()
    return scaled


@dataclass(frozen=True)
class ConvolutionalNetwork:
    """``f_hat`` on patches; weights ``mu`` and ``sigma`` are (S, m, a), ``d`` (S, P m, outputs).

    A row of ``d`` is a channel at a patch, patch by patch.
    """

    patches: Float[Tensor, "n P a"]
    outputs: int
    channels: int
    """Number m of filters."""
    sigma0: float
    """Initial value of every entry of W_sigma."""
    smoothing: Latent
    """How the noise enters the activation ``phi``; its Gaussian smoothing is exact."""
    trained: tuple[str, ...] = LAYERS

    @property
    def units(self) -> int:
        """Number m P of units: a channel at a patch each."""
        return self.channels * self.patches.shape[1]

    @property
    def rows(self) -> Float[Tensor, "nP a"]:
        """All patches of all samples."""
        return self.patches.flatten(0, 1)

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw W_mu, W_d ~ N(0, 1) and set W_sigma = sigma0."""
        filters = self.channels, self.patches.shape[2]
        dtype, device = self.patches.dtype, self.patches.device
        return {
            "mu": standard_normal(filters, seeds, 0, dtype, device),
            "sigma": self.patches.new_full((len(seeds), *filters), self.sigma0),
            "d": standard_normal((self.units, self.outputs), seeds, 1, dtype, device),
        }

    def forward(self, weights: Weights, step: int = 0) -> Forward:
        """Evaluate ``f_hat`` on all samples: (S, n, outputs); the latent has all units."""
        mean = self._by_unit(self.rows @ weights["mu"].mT)
        variance = self._by_unit(self.rows.square() @ weights["sigma"].square().mT)
        smoothed = self.smoothing(mean, variance, step)
        outputs = (smoothed.value @ weights["d"]) / sqrt(self.units)
        return Forward(outputs, mean, variance, *smoothed)

    def gradients(
        self, weights: Weights, forward: Forward, cotangent: Cotangent
    ) -> dict[str, LayerGradient]:
        """Pull a cotangent back; a filter's gradient sums over samples and patches."""
        members = forward.outputs.shape[0]
        rows = self.rows.expand(members, -1, -1)
        d_value = (cotangent.outputs @ weights["d"].mT) / sqrt(self.units)
        d_mean = d_value * forward.slope
        d_variance = d_value.mul_(forward.curvature).mul_(0.5)
        if cotangent.mean is not None and cotangent.variance is not None:
            d_mean += cotangent.mean
            d_variance += cotangent.variance
        by_mean, by_variance = (d.view(members, -1, self.channels) for d in (d_mean, d_variance))
        gradients = {
            "mu": LayerGradient(by_mean, rows),
            "sigma": LayerGradient(2 * by_variance, rows.square(), factor=weights["sigma"]),
            "d": LayerGradient(forward.value / sqrt(self.units), cotangent.outputs),
        }
        return {name: gradients[name] for name in self.trained}

    def push_forward(self, weights: Weights, forward: Forward, direction: Weights) -> Tangent:
        """Differentiate outputs and latent along a direction in the trained weights, exactly."""
        mean, variance = torch.zeros_like(forward.mean), torch.zeros_like(forward.variance)
        if "mu" in direction:
            mean = self._by_unit(self.rows @ direction["mu"].mT)
        if "sigma" in direction:
            by_square = 2 * weights["sigma"] * direction["sigma"]
            variance = self._by_unit(self.rows.square() @ by_square.mT)
        value = forward.slope * mean + forward.curvature * variance / 2
        outputs = value @ weights["d"]
        if "d" in direction:
            outputs += forward.value @ direction["d"]
        return Tangent(outputs / sqrt(self.units), mean, variance)

    def _by_unit(self, by_row: Float[Tensor, "S nP m"]) -> Float[Tensor, "S n Pm"]:
        """Put the patches of a sample side by side."""
        return by_row.reshape(len(by_row), len(self.patches), self.units)
