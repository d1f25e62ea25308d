"""A linear VAE with other distributions of the data: Bernoulli, Laplace, Poisson.

``p(z) = N(0, I_q)``; given z the entries x_j are independent with the natural parameter
``eta_j = w_j . z + b_j``; and ``q(z|x) = N(V x + a, diag(exp(s)))``. Under q, eta_j is Gaussian
with mean ``w_j . (V x + a) + b_j`` and variance ``sum_k w_jk^2 exp(s_k)``, so that
``E log p(x_j|eta_j)`` is a one-dimensional integral whatever q is: in closed form, or by Gauss and
Hermite's rule.
"""

from dataclasses import dataclass
from functools import cached_property
from math import log, pi, sqrt
from typing import Final, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from vaentk.activations import soft_clip

Family = Literal["bernoulli", "laplace", "poisson", "poisson-clipped"]

NODES: Final = 24
"""Of the quadrature: errors are below 1e-6 where eta's deviation is below 1.5."""

LINK_BOUNDS: Final = (-5.0, 3.0)
"""Where the exponential link's argument is clipped, softly, with sharpness 1."""


def log_prob(family: Family, x: Tensor, eta: Tensor) -> Tensor:
    """Evaluate ``log p(x|eta)`` entry by entry; Laplace's scale is 1, Poisson's rate exp(eta)."""
    if family == "bernoulli":
        return x * eta - softplus(eta)
    if family == "laplace":
        return -(x - eta).abs() - log(2)
    clipped = soft_clip(eta, 1.0, *LINK_BOUNDS) if family == "poisson-clipped" else eta
    return x * clipped - clipped.exp() - torch.lgamma(x + 1)


def expected_log_prob(family: Family, x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Evaluate ``E log p(x|eta)`` for Gaussian eta entry by entry."""
    if family == "laplace":
        away, deviation = x - mean, variance.sqrt()
        ratio = away / deviation
        folded = deviation * sqrt(2 / pi) * (-ratio.square() / 2).exp()
        return -folded - away * torch.erf(ratio / sqrt(2)) - log(2)
    if family == "poisson":
        return x * mean - (mean + variance / 2).exp() - torch.lgamma(x + 1)
    nodes, weights = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(NODES))
    eta = mean[..., None] + variance.sqrt()[..., None] * nodes
    return log_prob(family, x[..., None], eta) @ (weights / weights.sum())


class Parts(NamedTuple):
    """Parameters by their meaning, (R, ...) each."""

    w: Tensor
    """(R, d, q)"""
    b: Tensor
    """(R, d)"""
    v: Tensor
    """(R, q, d)"""
    a: Tensor
    """(R, q)"""
    s: Tensor
    """Log-variances, (R, q)."""


@dataclass(frozen=True, eq=False)
class GeneralisedLinearVae:
    """One family on a data set, see `ExactVae`."""

    family: Family
    data: Tensor
    """(N, d), float64."""
    latent_dim: int

    @property
    def points(self) -> int:
        """Number N of data points."""
        return len(self.data)

    @cached_property
    def shapes(self) -> Parts:
        """Shape of every part."""
        d, q = self.data.shape[1], self.latent_dim
        return Parts(*map(torch.Size, ((d, q), (d,), (q, d), (q,), (q,))))  # type: ignore[arg-type]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(shape.numel() for shape in self.shapes)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Of the standard normal numbers that one code takes."""
        return (self.latent_dim,)

    def parts(self, parameters: Tensor) -> Parts:
        """Divide rows of parameters."""
        sizes = [shape.numel() for shape in self.shapes]
        rows = torch.split(parameters, sizes, dim=1)
        return Parts(*(row.view(-1, *shape) for row, shape in zip(rows, self.shapes, strict=True)))

    def loss(self, parameters: Tensor) -> Tensor:
        """Mean negative ELBO over the data set, (R,)."""
        p = self.parts(parameters)
        mean = self.data @ p.v.mT + p.a[:, None]
        eta = mean @ p.w.mT + p.b[:, None]
        variance = (p.w.square() @ p.s.exp()[..., None])[..., 0][:, None].expand_as(eta)
        fit = expected_log_prob(self.family, self.data.expand_as(eta), eta, variance).sum(dim=2)
        return -fit.mean(dim=1) + self._kl(p, mean).mean(dim=1)

    def sampled_loss(self, parameters: Tensor, numbers: Tensor, noise: Tensor) -> Tensor:
        """Estimate it from draws, (R,)."""
        p, x = self.parts(parameters), self.data[numbers]
        mean = x @ p.v.mT + p.a[:, None]
        z = mean[:, None] + (p.s / 2).exp()[:, None, None] * noise
        eta = z @ p.w.mT[:, None] + p.b[:, None, None]
        fit = log_prob(self.family, x[:, None].expand_as(eta), eta).sum(dim=3)
        return -fit.mean(dim=(1, 2)) + self._kl(p, mean).mean(dim=1)

    def _kl(self, p: Parts, mean: Tensor) -> Tensor:
        """KL of every point's posterior to the prior, (R, n)."""
        return 0.5 * (mean.square() + (p.s.exp() - p.s - 1)[:, None]).sum(dim=2)
