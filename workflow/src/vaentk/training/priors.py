"""KL terms to priors that are not Gaussian, with the latent's mean and variance at the start.

All take what `vaentk.training.objectives.gaussian_kl` takes and return what it returns: the
divergence of ``N(mean, variance)`` in nats, summed over units and averaged over samples, (S,), and
its derivatives by mean and variance, (S, n, m) each. With ``z = mean + s xi``,

    KL = -1/2 log(2 pi e variance) - E log p(z),

and E g(z) has the derivatives ``E g'(z)`` by the mean and ``E g''(z) / 2`` by the variance.
"""

from math import e, log, pi, sqrt
from typing import Final

import numpy as np
import torch
from torch import Tensor

APART: Final = 0.6
"""Part of the mixture's variance that lies between its two components: above 1/2 the density has
two maxima."""

NODES: Final = np.linspace(-6.5, 6.5, 53)
"""Of the trapezoid rule under a standard Gaussian: ``log cosh`` has poles near the real axis, where
Gauss and Hermite's rule is slow. The error is below 1e-7 for posteriors up to the prior's width."""


def laplace_kl(
    mean: Tensor, variance: Tensor, mean0: Tensor, variance0: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Evaluate the divergence to a Laplace density, ``exp(-|z - mean0| / b) / (2 b)``.

    Its scale is ``b = sqrt(variance0 / 2)``, and ``E |z - mean0|`` is that of a folded Gaussian.
    """
    shift, s, b = mean - mean0, variance.sqrt(), (variance0 / 2).sqrt()
    density = torch.exp(-shift.square() / (2 * variance)) / (s * sqrt(2 * pi))
    sign = torch.erf(shift / (s * sqrt(2)))
    distance = 2 * variance * density + shift * sign
    terms = distance / b + (2 * b).log() - entropy(variance)
    return _of_samples(terms, sign / b, density / b - 1 / (2 * variance))


def mixture_kl(
    mean: Tensor, variance: Tensor, mean0: Tensor, variance0: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Evaluate the divergence to two Gaussians side by side, ``N(mean0 +- a, tau^2)`` in halves.

    ``a^2 = APART variance0`` and ``tau^2`` is the rest; with ``y = z - mean0``,
    ``-log p = log(2 pi tau^2)/2 + (y^2 + a^2)/(2 tau^2) - log cosh(a y / tau^2)``, whose last term
    is integrated by the trapezoid rule.
    """
    shift, s = mean - mean0, variance.sqrt()
    squares, inside = APART * variance0, (1 - APART) * variance0
    slope = squares.sqrt() / inside
    terms = (2 * pi * inside).log() / 2 + (shift.square() + variance + squares) / (2 * inside)
    by_mean, by_variance = shift / inside, 1 / (2 * inside) - 1 / (2 * variance)
    weights = np.exp(-(NODES**2) / 2)
    for node, weight in zip(NODES.tolist(), (weights / weights.sum()).tolist(), strict=True):
        argument = slope * (shift + node * s)
        size, tanh = argument.abs(), argument.tanh()
        # log cosh x = |x| + log(1 + exp(-2|x|)) - log 2 does not overflow.
        terms = terms - weight * (size + torch.log1p((-2 * size).exp()) - log(2))
        by_mean = by_mean - weight * slope * tanh
        by_variance = by_variance - weight * slope.square() * (1 - tanh.square()) / 2
    return _of_samples(terms - entropy(variance), by_mean, by_variance)


def entropy(variance: Tensor) -> Tensor:
    """Evaluate a Gaussian's entropy in nats."""
    return (2 * pi * e * variance).log() / 2


def _of_samples(
    terms: Tensor, by_mean: Tensor, by_variance: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    samples = terms.shape[1]
    return terms.sum(dim=(1, 2)) / samples, by_mean / samples, by_variance / samples
