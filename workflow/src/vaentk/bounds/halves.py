"""The squared norm of the full-data gradient without bias, from the halves of every batch.

The squared norm of a batch's gradient exceeds that of the whole data's by the noise's variance,
however small the true one is. The product ``g1 . g2`` of the gradients of two halves, whose images
and codes are drawn apart, does not: its expectation is ``|grad L|^2``. Where the halves are drawn
from N images without replacement, as within an epoch, it is less by ``1/(N - 1)`` of the variance
of single images' gradients. It takes no gradient beyond that of the batch, so it is there at every
iterate.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from vaentk.bounds.bound import PARTS, Bound, Weights, part_of

COLUMNS = ("phi", "theta", "batch")
"""What is measured of a batch's gradient: the product of the halves' by part of the weights, and
the squared norm of the whole one."""


class Halved(NamedTuple):
    """The gradient of a batch, from its two halves."""

    gradient: Weights
    """Mean over the batch, (S, ...) by the names of the weights."""
    losses: Tensor
    """Mean over the batch, (S,)."""
    squares: Tensor
    """`COLUMNS`, float64 (S, 3)."""


def halved_gradient(
    bound: Bound, weights: Weights, images: Tensor, drawn: Tensor, beta: Tensor
) -> Halved:
    """Estimate the gradient of the mean loss over a batch, half by half.

    Images (S, b, ...) and noise (S, K, b, latent_dim), b even; beta (S,).
    """
    values, gradients = zip(
        *(
            bound.gradient(weights, own, noise, beta)
            for own, noise in zip(images.chunk(2, dim=1), drawn.chunk(2, dim=2), strict=True)
        ),
        strict=True,
    )
    first, second = gradients
    means = torch._foreach_lerp([*first.values()], [*second.values()], 0.5)
    mean = dict(zip(weights, means, strict=True))
    products = [
        _dot((first[name], second[name]) for name in weights if part_of(name) == part)
        for part in PARTS
    ]
    square = _dot(zip(means, means, strict=True))
    losses = torch.stack([half.loss.mean(dim=1) for half in values]).mean(dim=0)
    return Halved(mean, losses, torch.stack([*products, square], dim=1))


def _dot(pairs: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """Inner product of every member's tensors, by layer and then over the layers: float64 (S,)."""
    found = []
    for pair in pairs:
        first, second = (tensor.flatten(1) for tensor in pair)
        if first.is_cuda:  # one kernel; on a CPU it adds up less exactly
            found.append(torch.bmm(first[:, None], second[:, :, None]).flatten())
        else:
            found.append(torch.linalg.vecdot(first, second))
    return torch.stack(found).double().sum(dim=0)
