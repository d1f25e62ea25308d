"""The squared norm of the full-data gradient without bias, from the halves of every batch.

The squared norm of a batch's gradient exceeds that of the whole data's by the noise's variance,
however small the true one is. The product ``g1 . g2`` of the gradients of two halves, whose images
and codes are drawn apart, does not: its expectation is ``|grad L|^2``. Where the halves are drawn
from N images without replacement, as within an epoch, it is less by ``1/(N - 1)`` of the variance
of single images' gradients. It takes no gradient beyond that of the batch, so it is there at every
iterate.
"""

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
    mean = {name: torch.lerp(first[name], second[name], 0.5) for name in weights}
    products = {part: torch.zeros_like(beta, dtype=torch.float64) for part in PARTS}
    square = torch.zeros_like(products["phi"])
    for name, whole in mean.items():
        products[part_of(name)] += _dot(first[name], second[name])
        square += _dot(whole, whole)
    losses = torch.stack([half.loss.mean(dim=1) for half in values]).mean(dim=0)
    return Halved(mean, losses, torch.stack([*products.values(), square], dim=1))


def _dot(first: Tensor, second: Tensor) -> Tensor:
    """Inner product of every member's tensors, float64 (S,)."""
    first, second = first.flatten(1), second.flatten(1)
    if first.is_cuda:  # one kernel; on a CPU it adds up less exactly
        return torch.bmm(first[:, None], second[:, :, None]).flatten().double()
    product: Tensor = torch.linalg.vecdot(first, second)
    return product.double()
