"""The blocks of a tangent kernel of finite width between equal outputs, which a proof may bound."""

import torch
from jaxtyping import Float
from torch import Tensor

from vaentk.kernels.finite import TangentKernel


def equal_outputs(kernel: TangentKernel) -> Float[Tensor, "d n n"]:
    """Materialise ``Theta[ik,jk]`` for every output k, the diagonal blocks (Definition 1).

    About ``2 n^2 m d`` operations, half of them while W_sigma is constant.
    """
    samples, outputs = kernel.shape
    _, slope, curvature = kernel.smoothed
    squares = kernel.decoder.square()
    lower = slope.new_zeros(samples, samples, outputs)
    for i in range(samples):
        rest = slice(i + 1)  # of a symmetric matrix
        weights = torch.zeros_like(slope[rest])
        if "mu" in kernel.parts:
            weights += (slope[rest] * slope[i]).mul_(kernel.gram[i, rest, None])
        if "sigma" in kernel.parts:
            weights += (curvature[rest] * curvature[i]).mul_(_couplings(kernel, i, rest))
        lower[i, rest] = weights @ squares
    blocks = lower.permute(2, 0, 1)
    blocks = blocks + blocks.tril(-1).mT
    return blocks + kernel.value_gram if "d" in kernel.parts else blocks


def greatest_change(now: TangentKernel, before: TangentKernel) -> float:
    """Return the spectral norm of the change of the blocks of equal outputs: the largest's."""
    change = equal_outputs(now) - equal_outputs(before)
    return float(torch.linalg.eigvalsh(change).abs().max())


def _couplings(kernel: TangentKernel, sample: int, others: slice) -> Tensor:
    """``1/m sum_a w_sigma_ra^2 x_ia^2 x_ja^2`` of one sample i and others j: (j, m) or (j, 1)."""
    if kernel.sigma_gram is not None:
        return kernel.sigma_gram[sample, others, None]
    shared = kernel.squares[others] * (kernel.squares[sample] / len(kernel.decoder))
    return shared @ kernel.sigma.square().mT
