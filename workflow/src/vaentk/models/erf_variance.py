"""The variance of erf of a Gaussian, which the mean network leaves out, and its derivatives.

With ``z ~ N(u, v)``, ``r = 1/sqrt(1 + 2v)``, ``alpha = u r`` and ``a = 1/sqrt(1 + 4v)``,
``E erf(z) = erf(alpha)`` and ``E erf(z)^2 = 1 - 8 T(sqrt(2) alpha, a)`` with Owen's T, whose
difference is one integral of a positive function, so that no digits cancel:

    Var erf(z) = (4/pi) int_a^1 exp(-alpha^2 (1 + x^2)) / (1 + x^2) dx.

Its derivatives are, the first from the same nodes,

    d/du = -(8/pi) r alpha int_a^1 exp(-alpha^2 (1 + x^2)) dx
    d/dv = -alpha r d/du + (4/pi) a r^2 exp(-alpha^2 (1 + a^2)).
"""

from functools import lru_cache
from math import asin, pi
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

NODES: Final = 6
"""Of the Gauss-Legendre rule: its error is below 1e-11 for v up to 1 and below 1e-8 for any v."""


class ErfVariance(NamedTuple):
    """``Var erf(z)`` for ``z ~ N(u, v)``, each of the shape of ``u``."""

    value: Tensor
    by_mean: Tensor
    """Its derivative by u."""
    by_variance: Tensor
    """Its derivative by v."""


def erf_variance(u: Float[Tensor, "*any"], v: Float[Tensor, "*any"]) -> ErfVariance:
    """Evaluate ``Var erf(z)`` and its derivatives elementwise, in the dtype of ``u``."""
    r = torch.rsqrt(1 + 2 * v)
    alpha, a = u * r, torch.rsqrt(1 + 4 * v)
    square = alpha.square()
    half = 2 * v * a.square() / (1 + a)  # (1 - a)/2
    middle = 1 - half
    value, density = torch.zeros_like(u), torch.zeros_like(u)
    for node, weight in _gauss_legendre():
        stretch = (middle + node * half).square_().add_(1)
        falling = torch.exp(-square * stretch)
        density.add_(falling, alpha=weight)
        value.addcdiv_(falling, stretch, value=weight)
    value.mul_(half).mul_(4 / pi)
    by_mean = density.mul_(half).mul_(alpha).mul_(r).mul_(-8 / pi)
    by_variance = torch.exp(-square * (1 + a.square())).mul_(a).mul_(r.square()).mul_(4 / pi)
    by_variance.addcmul_(alpha * r, by_mean, value=-1)
    return ErfVariance(value, by_mean, by_variance)


def mean_erf_variance(sigma0: float) -> float:
    """Average ``Var erf(z)`` over ``u ~ N(0, 1)`` at ``v = sigma0^2``: a unit at initialisation.

    ``(2/pi) [asin(2q/(1 + 2q)) - asin(2/(1 + 2q))]`` with ``q = 1 + sigma0^2``, for unit inputs.
    """
    q = 1 + sigma0**2
    return 2 / pi * (asin(2 * q / (1 + 2 * q)) - asin(2 / (1 + 2 * q)))


@lru_cache
def _gauss_legendre() -> tuple[tuple[float, float], ...]:
    """Nodes and weights on [-1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return tuple(zip(nodes.tolist(), weights.tolist(), strict=True))
