"""What the linear VAE's objective is the mean of, as a function of data point and noise.

With ``z = V x + a + sigma eps``, ``sigma = exp(s/2)``, it is quadratic in the noise eps:

    f(x, eps) = log p(x|z) + beta (log p(z) - log q(z|x)) = f0(x) + l(x)^T eps - eps^T Q eps / 2

Codes and noise have their data points last: products of many small matrices are quicker so.
"""

from dataclasses import dataclass
from math import log, pi
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import pad

from vaentk.models.linear_vae import LinearVae, Parameters


@dataclass(frozen=True, eq=False)
class Integrand:
    """The coefficients of ``f(x, eps)``, see the module, at data points of each run."""

    constant: Tensor
    """``f0``, (R, B)."""
    slope: Tensor
    """``l``, (R, q, B)."""
    curvature: Tensor
    """``Q = sigma W^T W sigma / c^2 + beta (sigma^2 - I)``, (R, q, q)."""

    @classmethod
    def of(cls, model: LinearVae, parameters: Parameters, points: Tensor) -> Self:
        """Coefficients at data points of each run, (R, B, d + 1)."""
        w, s, beta = parameters.w, parameters.s, model.beta
        sigma = (0.5 * s).exp().unsqueeze(2)
        centre = parameters.encoder @ points.mT
        push = residual(model, parameters, points, pad_one(centre))
        squares = push.square().sum(1) * model.variance + beta * centre.square().sum(1)
        constant = w.shape[1] * log(2 * pi * model.variance) - beta * s.sum(1, keepdim=True)
        slope = torch.sub(w.mT @ push, centre, alpha=beta).mul_(sigma)
        scaled = w * sigma.mT
        curvature = scaled.mT @ scaled / model.variance
        curvature.diagonal(dim1=1, dim2=2).add_(s.exp() - 1, alpha=beta)
        return cls(-0.5 * (squares + constant), slope, curvature)

    def at(self, noise: Tensor) -> Tensor:
        """``f`` at draws (R, q, K, B), in nats: (R, K, B)."""
        bent = (self.curvature @ noise.flatten(2)).view_as(noise)
        tilted = torch.sub(self.slope.unsqueeze(2), bent, alpha=0.5)
        return tilted.mul_(noise).sum(1).add_(self.constant.unsqueeze(1))

    def mean(self) -> Tensor:
        """``E[f|x]``, the ELBO of each data point, (R, B)."""
        trace = self.curvature.diagonal(dim1=1, dim2=2).sum(1, keepdim=True)
        return self.constant - 0.5 * trace


def pad_one(codes: Tensor) -> Tensor:
    """``(z, 1)`` of codes (R, q, B): (R, q + 1, B)."""
    return pad(codes, (0, 0, 0, 1), value=1.0)


def residual(model: LinearVae, parameters: Parameters, points: Tensor, codes: Tensor) -> Tensor:
    """``(x - W z - b) / c^2``, (R, d, B), of points (R, B, d + 1) and codes (R, q + 1, B)."""
    precision, x = 1 / model.variance, points[..., :-1].mT
    return torch.baddbmm(x, parameters.decoder, codes, beta=precision, alpha=-precision)
