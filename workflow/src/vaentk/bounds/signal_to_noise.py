"""The signal-to-noise ratio of stochastic gradients (Rainforth et al. 2018), of a whole vector.

It is ``r = |E g| / sqrt(E |g - E g|^2)``, encoder (phi) and decoder (theta) apart, estimated from M
independent gradients at the same weights, each of B images and K codes. Rainforth et al. define it
of one parameter. A mean over parameters of their own ratios is dominated by noise where gradients
are sparse, and is biased where they are heavy-tailed; of the whole vector both squares have
unbiased estimates, whatever the noise.

What counts as noise is a choice. Rainforth et al. hold the images fixed and draw the codes anew:
then B independent means of K codes give the exponents that they prove. In training the images are
drawn anew too, and their differences are noise that no K removes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from vaentk.bounds.bound import PARTS, Bound, Part, Weights, part_of
from vaentk.bounds.draws import noise
from vaentk.bounds.images import ImageSource
from vaentk.errors import UserError

BLOCKS: Final = 8
"""Blocks of repetitions, whose leaving out in turn tells the error of a ratio (jackknife)."""

LEAST: Final = 2 * BLOCKS
"""Repetitions."""


@dataclass(frozen=True, eq=False)
class SignalToNoise:
    """Square of the ratio of one part's gradient, float64 (S,), and its standard error."""

    square: Tensor
    """``U / V`` with U the mean of ``g_i . g_j`` over pairs of different repetitions, and V the sum
    of the parameters' sample variances: unbiased for ``|E g|^2`` and ``E |g - E g|^2``. The bias of
    their quotient is of order 1/M of itself. Negative where M is too small to tell the signal from
    0; not a number for a gradient that is always 0."""
    error: Tensor
    """Of the jackknife over `BLOCKS` blocks of repetitions, with one degree of freedom less."""
    noise: Tensor
    """V."""


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
    """Estimate each part's squared ratio, with `BLOCKS` numbers a parameter in memory.

    Gradients are as `repeated_gradients` yields them: (R, S, ...) by name, M in all. Their sums
    ``s_b`` over blocks and their squared norms are enough: with q the sum of all ``|g_i|^2`` and s
    that of all gradients,

        U = (|s|^2 - q) / (M (M - 1)),    V = (q - |s|^2 / M) / (M - 1)

    Raises
    ------
    UserError
        When there are fewer than two repetitions a block.
    """
    sums: Weights = {}
    squares: dict[Part, Tensor] = {}
    count = 0
    for found in gradients:
        repetitions = len(next(iter(found.values())))
        for name, of_name in found.items():
            part, flat = part_of(name), of_name.flatten(2)
            if name not in sums:
                wide = torch.zeros(BLOCKS, *flat.shape[1:], dtype=torch.float64, device=flat.device)
                sums[name] = wide
                squares.setdefault(part, wide.new_zeros(BLOCKS, flat.shape[1]))
            for place, gradient in enumerate(flat):
                block = (count + place) % BLOCKS
                sums[name][block] += gradient
                # The norm adds up in float64 and makes no copy in it.
                norms = torch.linalg.vector_norm(gradient, dim=1, dtype=torch.float64)
                squares[part][block] += norms.square()
        count += repetitions
    if count < LEAST:
        raise UserError(
            f"signal-to-noise ratios need {LEAST} gradients, and there are {count}: "
            "raise repetitions."
        )
    counts = torch.bincount(torch.arange(count) % BLOCKS)
    whole = {
        part: torch.cat([own for name, own in sums.items() if part_of(name) == part], dim=2)
        for part in PARTS
    }
    return {part: _ratio(whole[part], squares[part], counts) for part in PARTS}


def _ratio(sums: Tensor, squares: Tensor, counts: Tensor) -> SignalToNoise:
    """Squared ratio of blocks' sums (BLOCKS, S, P), squared norms (BLOCKS, S) and sizes."""
    total, norms, count = sums.sum(dim=0), squares.sum(dim=0), counts.sum()
    value = _square(total, norms, count)
    left_out = [
        _square(total - own, norms - norm, count - size)
        for own, norm, size in zip(sums, squares, counts, strict=True)
    ]
    spread = torch.stack(left_out).var(dim=0) * ((BLOCKS - 1) ** 2 / BLOCKS)
    noise = (norms - total.square().sum(dim=1) / count) / (count - 1)
    return SignalToNoise(value, spread.sqrt(), noise)


def _square(total: Tensor, squares: Tensor, count: Tensor) -> Tensor:
    """``U / V`` of the sum of so many gradients (S, P) and that of their squared norms (S,)."""
    norm = total.square().sum(dim=1)
    return (norm - squares) / (count * squares - norm)
