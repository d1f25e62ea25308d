"""The signal-to-noise ratio of stochastic gradients, as Rainforth et al. 2018 define it.

Of one parameter it is ``r = |E g| / sd(g)``; here both are estimated from M independent gradients
at the same weights, each of B images and K codes, and r is averaged over the parameters of encoder
(phi) and decoder (theta) apart. What counts as noise is a choice. Rainforth et al. hold the images
fixed and draw the codes anew: then B independent means of K codes give the exponents that they
prove. In training the images are drawn anew too, and their differences are noise that no K removes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, lgamma, pi, sqrt

import torch
from torch import Tensor

from vaentk.bounds.bound import PARTS, Bound, Part, Weights, part_of
from vaentk.bounds.draws import noise
from vaentk.bounds.images import ImageSource
from vaentk.errors import UserError

LEAST = 4
"""Repetitions: with fewer the corrected ratios have no expectation."""

ROUNDING = 100
"""Units in the last place of a mean, below which a standard deviation is rounding."""


@dataclass(frozen=True, eq=False)
class SignalToNoise:
    """Ratios of one part's parameters, float64 (S,) each."""

    mean: Tensor
    """Mean over parameters of ``|m| / s``, mean and standard deviation of the M gradients: the
    definition with both estimated. Biased upwards: never far below ``floor``, to which pure noise
    comes, and by some ``3 / (4 M)`` of itself where all r are well above it."""
    floor: float
    """Expectation of ``mean`` where all true ratios are 0 and the noise is Gaussian, about
    ``sqrt(2 / (pi M))``."""
    rms: Tensor
    """Root of the mean square of r over parameters. A square is ``(M - 3)/(M - 1) m^2/s^2 - 1/M``,
    without bias for Gaussian noise; NaN where their mean is negative, that is where M is too small
    to tell it from 0."""
    whole: Tensor
    """``|E g| / sqrt(E |g - E g|^2)`` of all the part's parameters as one vector, from unbiased
    estimates of both squares, whatever the noise; NaN as for ``rms``."""
    still: Tensor
    """Share of parameters whose gradients were all equal to rounding: 0 for dead units, or without
    noise by construction. They are in none of the ratios."""


def repeated_gradients(
    bound: Bound,
    weights: Weights,
    source: ImageSource,
    beta: Tensor,
    generators: Sequence[torch.Generator],
    repetitions: int,
    batch: int,
    codes: int,
    fixed: Tensor | None = None,
    at_once: int = 1,
) -> Iterator[Weights]:
    """Draw M gradients of every member at the same weights.

    Parameters
    ----------
    weights : (S, ...) each
    beta : (S,)
    generators : one a member, on the weights' device
    repetitions : M
    batch, codes : B images and K codes of each
    fixed : int64 (S, B), optional
        Numbers of the images that all repetitions of a member share. Every repetition draws its
        own, uniformly with replacement, where None.
    at_once : int
        Repetitions side by side, as if they were members: a GPU does small ones so in the time of
        one. Each takes the memory of the weights; the draws are the same whatever it is.

    Yields
    ------
    dict of Tensor
        (R, S, ...) by the names of the weights: R repetitions, ``at_once`` or what is left.
    """
    shape = (codes, batch, bound.model.latent_dim)
    for start in range(0, repetitions, at_once):
        side_by_side = min(at_once, repetitions - start)
        stacked = {
            name: weight.expand(side_by_side, *weight.shape).flatten(0, 1)
            for name, weight in weights.items()
        }
        numbers, drawn = [], []
        for member, own in [*enumerate(generators)] * side_by_side:
            numbers.append(source.draw(batch, own) if fixed is None else fixed[member])
            drawn.append(noise(shape, [own], beta))
        images = source.of_members(torch.stack(numbers))
        _, slopes = bound.gradient(stacked, images, torch.cat(drawn), beta.repeat(side_by_side))
        yield {name: g.view(side_by_side, *weights[name].shape) for name, g in slopes.items()}


def signal_to_noise(gradients: Iterable[Weights]) -> dict[Part, SignalToNoise]:
    """Estimate each part's ratios, with two numbers a parameter in memory.

    Gradients are as `repeated_gradients` yields them: (R, S, ...) by name, M in all.

    Raises
    ------
    UserError
        When there are fewer than four repetitions.
    """
    count, precision = 0, 0.0
    means: Weights = {}
    squares: Weights = {}
    for found in gradients:
        for name, gradient in found.items():
            _add(means, squares, name, gradient.flatten(2).double(), count)
            precision = torch.finfo(gradient.dtype).eps
        count += len(next(iter(found.values())))
    if count < LEAST:
        raise UserError(
            f"signal-to-noise ratios need {LEAST} gradients, and there are {count}: "
            "raise repetitions."
        )
    parts = {}
    for part in PARTS:
        names = [name for name in means if part_of(name) == part]
        mean = torch.cat([means[name] for name in names], dim=1)
        variance = torch.cat([squares[name] for name in names], dim=1) / (count - 1)
        parts[part] = _ratios(mean, variance, count, ROUNDING * precision)
    return parts


def _add(means: Weights, squares: Weights, name: str, gradients: Tensor, count: int) -> None:
    """Add gradients (R, S, p) to mean and sum of squared deviations of ``count`` others."""
    mean = gradients.mean(dim=0)
    square = (gradients - mean).square().sum(dim=0)
    if count:
        more = len(gradients)
        shift = mean - means[name]
        mean = means[name] + shift * (more / (count + more))
        square += squares[name] + shift.square() * (count * more / (count + more))
    means[name], squares[name] = mean, square


def _ratios(mean: Tensor, variance: Tensor, count: int, least: float) -> SignalToNoise:
    """Ratios from mean and variance of ``count`` gradients, (S, p) each.

    Noise of ``least`` times the mean, or less, is none.
    """
    noisy = variance > (least * mean).square()
    square = torch.where(noisy, mean.square() / variance, 0)
    noisy_count = noisy.sum(dim=1)
    corrected = (count - 3) / (count - 1) * square.sum(dim=1) / noisy_count - 1 / count
    spread = torch.where(noisy, variance, 0).sum(dim=1)
    signal = torch.where(noisy, mean.square(), 0).sum(dim=1) - spread / count
    return SignalToNoise(
        mean=square.sqrt().sum(dim=1) / noisy_count,
        floor=_noise_alone(count),
        rms=corrected.sqrt(),
        whole=(signal / spread).sqrt(),
        still=1 - noisy_count / noisy.shape[1],
    )


def _noise_alone(count: int) -> float:
    """E |m| / s of Gaussian noise: that of |Student's t| with M - 1 degrees, over sqrt(M)."""
    degrees = count - 1
    gamma = exp(lgamma((degrees - 1) / 2) - lgamma(degrees / 2))
    return sqrt(degrees / (pi * count)) * gamma
