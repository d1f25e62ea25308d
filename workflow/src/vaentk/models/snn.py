"""The stochastic neural network of Wang & Huang 2024, Eqs. 2 and 3, with exact expectations."""

from dataclasses import dataclass
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from vaentk.models.forward import Cotangent, Forward, Tangent, Weights
from vaentk.models.gradient import LayerGradient
from vaentk.models.initial import standard_normal
from vaentk.models.latent import Latent

LAYERS = ("mu", "sigma", "d")
"""Layer names: W_mu, W_sigma and W_d."""


@dataclass(frozen=True)
class StochasticNetwork:
    """``f_hat(x) = E_zeta m^(-1/2) W_d^T phi((W_mu + W_sigma * zeta) x)``, ``psi`` = identity.

    Weights ``mu``, ``sigma`` and ``d`` are (S, m, d) each. Eq. 3's reparametrisation is followed:
    ``z_r ~ N(<w_mu_r, x>, sum_a (w_sigma_ra x_a)^2)``.
    """

    x: Float[Tensor, "n d"]
    """Inputs, unit rows; they are the targets too."""
    width: int
    """Number m of latent units."""
    sigma0: float
    """Initial value of every entry of W_sigma."""
    smoothing: Latent
    """How the noise enters the activation ``phi``; its Gaussian smoothing is exact."""
    trained: tuple[str, ...] = LAYERS
    """Layers that gradient descent moves: all (Theorem 1), or ``("mu",)`` (Theorem 2)."""
    antisymmetric: bool = False
    """Whether units come in pairs with equal W_mu and opposite W_d, so that ``f_hat(x; 0) = 0``
    while the limit kernels stay; the width is even."""

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw W_mu, W_d ~ N(0, 1) and set W_sigma = sigma0 (Lemma 1)."""
        outputs = self.x.shape[1]
        shape = (self.width // 2 if self.antisymmetric else self.width, outputs)
        dtype, device = self.x.dtype, self.x.device
        mu = standard_normal(shape, seeds, 0, dtype, device)
        d = standard_normal(shape, seeds, 1, dtype, device)
        if self.antisymmetric:
            mu, d = torch.cat([mu, mu], dim=1), torch.cat([d, -d], dim=1)
        sigma = self.x.new_full((len(seeds), self.width, outputs), self.sigma0)
        return {"mu": mu, "sigma": sigma, "d": d}

    def forward(self, weights: Weights, step: int = 0) -> Forward:
        """Evaluate ``f_hat`` on all samples: (S, n, d)."""
        mean = self.x @ weights["mu"].mT
        variance = self.x.square() @ weights["sigma"].square().mT
        smoothed = self.smoothing(mean, variance, step)
        outputs = (smoothed.value @ weights["d"]) / sqrt(self.width)
        return Forward(outputs, mean, variance, *smoothed)

    def gradients(
        self, weights: Weights, forward: Forward, cotangent: Cotangent
    ) -> dict[str, LayerGradient]:
        """Pull a cotangent back to W_mu, W_sigma and W_d (exact; see theory in the module)."""
        members = forward.outputs.shape[0]
        x = self.x.expand(members, -1, -1)
        d_value = (cotangent.outputs @ weights["d"].mT) / sqrt(self.width)
        d_mean = d_value * forward.slope
        d_variance = d_value * forward.curvature * 0.5
        if cotangent.mean is not None and cotangent.variance is not None:
            d_mean += cotangent.mean
            d_variance += cotangent.variance
        gradients = {
            "mu": LayerGradient(d_mean, x),
            "sigma": LayerGradient(2 * d_variance, x.square(), factor=weights["sigma"]),
            "d": LayerGradient(forward.value / sqrt(self.width), cotangent.outputs),
        }
        return {name: gradients[name] for name in self.trained}

    def push_forward(self, weights: Weights, forward: Forward, direction: Weights) -> Tangent:
        """Differentiate outputs and latent along a direction in the trained weights, exactly."""
        mean = torch.zeros_like(forward.mean)
        variance = torch.zeros_like(forward.variance)
        if "mu" in direction:
            mean = self.x @ direction["mu"].mT
        if "sigma" in direction:
            variance = self.x.square() @ (2 * weights["sigma"] * direction["sigma"]).mT
        value = forward.slope * mean + forward.curvature * variance / 2
        outputs = value @ weights["d"]
        if "d" in direction:
            outputs += forward.value @ direction["d"]
        return Tangent(outputs / sqrt(self.width), mean, variance)
