"""The gradient of the loss over a whole data set, and the square of its norm without bias.

Only the codes' noise makes the gradient over all images random. The squared norm of one draw
exceeds that of the expected gradient by the noise's variance, however small the true one is; the
product ``g1 . g2`` of two independent draws does not. Nor is it a sum of minibatch norms, which
holds the variance between batches as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vaentk.bounds import GROUPS
from vaentk.bounds.bound import PARTS, Bound, Part, Weights, part_of
from vaentk.bounds.draws import noise
from vaentk.bounds.images import ImageSource


@dataclass(frozen=True, eq=False)
class FullGradient:
    """A full-data gradient of every member."""

    gradient: Weights
    """Mean of the two draws, (S, ...) by the names of the weights, per image."""
    squared_norm: dict[Part, Tensor]
    """Of the expected gradient by part, ``phi`` and ``theta``: float64 (S,), in nats^2 by the
    weights' units squared. Unbiased, hence negative at times where it is close to zero."""
    error: dict[Part, Tensor]
    """Standard error of the squared norm, float64 (S,)."""


def full_gradient(
    bound: Bound,
    weights: Weights,
    source: ImageSource,
    beta: Tensor,
    generators: Sequence[torch.Generator],
    codes: int,
    batch: int,
    groups: int = GROUPS,
    drawn: int | None = None,
) -> FullGradient:
    """Estimate the gradient of the mean loss over all images of a source, and its squared norm.

    A part of the images, the same in both draws, would not do for all: the squared norm of its
    gradient exceeds theirs by the images' variance over their number, which a small gradient
    drowns in. With ``drawn`` every draw has images of its own, and the product has no such bias.

    With a finite number of codes it is the gradient of the IWAE with that many. The error takes
    the noise of a group's gradient to be Gaussian, as a mean over many images is: with
    ``d = g1 - g2`` and ``s = (g1 + g2) / 2`` independent, the squared error of ``g1 . g2`` is the
    expectation of ``(s . d)^2``, here the sum of those of the groups, whose noises are independent.

    Parameters
    ----------
    bound : Bound
        The doubly reparametrised estimator has the same expectation and often less noise.
    weights : (S, ...) each
    source : the same images for all members
    beta : (S,)
    generators : one a member, on the weights' device
    codes : K, of an image in a draw
    batch : int
        Images at once. Fewer than ``groups`` batches make fewer groups, and a worse error.
    groups : int
        Each takes the memory of the weights.
    drawn : int, optional
        Images of each draw, uniformly with replacement, every member's own; then the error holds
        their scatter too. All images in both draws where None.
    """
    batches = list(_batches(source, generators, batch, drawn))
    whole = drawn or len(source.numbers)
    means = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    apart = [
        {name: torch.zeros_like(weight) for name, weight in weights.items()}
        for _ in range(min(groups, len(batches)))
    ]
    for place, draws in enumerate(batches):
        for sign, chosen in zip((1, -1), draws, strict=True):
            images = source.of_members(chosen)
            images = images.expand(len(generators), *images.shape[1:])
            shape = (codes, chosen.shape[1], bound.model.latent_dim)
            _, slopes = bound.gradient(weights, images, noise(shape, generators, images), beta)
            share = chosen.shape[1] / whole
            for name, gradient in slopes.items():
                means[name].add_(gradient, alpha=share / 2)
                apart[place % len(apart)][name].add_(gradient, alpha=sign * share)
    squared_norm, error = squared_norms(means, apart)
    return FullGradient(means, squared_norm, error)


def squared_norms(
    means: Weights, apart: Sequence[Weights]
) -> tuple[dict[Part, Tensor], dict[Part, Tensor]]:
    """Estimate the squared norm of an expected gradient, and its standard error, by part.

    Of two independent draws ``means`` is ``s = (g1 + g2) / 2``, (S, ...) by name, and ``apart``
    what each group of images adds to ``d = g1 - g2``. The results are
    ``g1 . g2 = |s|^2 - |d|^2 / 4`` and ``sqrt(sum_j (s . d_j)^2)``: float64 (S,) by part.
    """
    squared_norm: dict[Part, Tensor] = {}
    error: dict[Part, Tensor] = {}
    for part in PARTS:
        names = [name for name in means if part_of(name) == part]
        members = len(means[names[0]])
        value = torch.zeros(members, dtype=torch.float64, device=means[names[0]].device)
        across = value.new_zeros(len(apart), members)
        for name in names:
            mean = means[name].flatten(1).double()
            whole = torch.zeros_like(mean)
            for place, group in enumerate(apart):
                difference = group[name].flatten(1).double()
                across[place] += torch.linalg.vecdot(mean, difference)
                whole += difference
            value += torch.linalg.vecdot(mean, mean) - torch.linalg.vecdot(whole, whole) / 4
        squared_norm[part], error[part] = value, across.square().sum(dim=0).sqrt()
    return squared_norm, error


def _batches(
    source: ImageSource, generators: Sequence[torch.Generator], batch: int, drawn: int | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Numbers of the two draws' images, int64 (S, b) each, or (1, b) where all members share."""
    if drawn is None:
        for chosen in torch.split(source.numbers[None], batch, dim=1):
            yield chosen, chosen
        return
    numbers = torch.stack([source.draw(2 * drawn, generator) for generator in generators])
    first, second = numbers.chunk(2, dim=1)
    yield from zip(torch.split(first, batch, 1), torch.split(second, batch, 1), strict=True)
