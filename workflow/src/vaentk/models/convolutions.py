"""Convolutions of stride 2 that halve or double images, in the forms that are computed fast.

What a GPU does is in `vaentk.models.member_convolutions`; the rest is for CPUs. Channels last
throughout. oneDNN, which computes convolutions on a CPU, is several times slower than the machine
where an image has fewer channels than a vector register has places: the first layer of a network
and the last. Both are written over blocks of 2x2 pixels, which have four times as many.
"""

from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from vaentk.models.member_convolutions import convolve_members

FEW: Final = 16  # channels: the places of a 512-bit register
LAST: Final = torch.channels_last


def convolve(x: Tensor, kernel: Tensor, bias: Tensor, padding: int, groups: int) -> Tensor:
    """Convolve with stride 2, halving the image.

    Parameters
    ----------
    x : (b, groups inputs, h, w), h and w even
    kernel : (groups outputs, inputs, k, k): k = 4 with padding 1, or k = 2 without
    bias : (groups outputs,)

    Returns
    -------
    (b, groups outputs, h / 2, w / 2), channels last
    """
    if x.is_cuda:
        return convolve_members("down", x, kernel, bias, padding, groups)
    if kernel.shape[1] == 1 and padding == 1:
        blocks = functional.pixel_unshuffle(functional.pad(x, (1, 1, 1, 1)), 2)
        x, kernel, stride, padding = blocks, over_blocks(kernel), 1, 0
    else:
        stride = 2
    x, kernel = x.contiguous(memory_format=LAST), kernel.contiguous(memory_format=LAST)
    return functional.conv2d(x, kernel, bias, stride, padding, groups=groups)


def convolve_transposed(x: Tensor, kernel: Tensor, bias: Tensor, groups: int) -> Tensor:
    """Transpose a 4x4 convolution of stride 2 and padding 1, doubling the image.

    Parameters
    ----------
    x : (b, groups inputs, h, w)
    kernel : (groups inputs, outputs, 4, 4)
    bias : (groups outputs,)

    Returns
    -------
    (b, groups outputs, 2 h, 2 w)
    """
    if x.is_cuda:
        return convolve_members("up", x, kernel, bias, 1, groups)
    if torch.is_autocast_enabled(x.device.type):  # which a function of our own does not see
        x, kernel = (t.to(torch.get_autocast_dtype(x.device.type)) for t in (x, kernel))
    x = x.contiguous(memory_format=LAST)
    if 4 * kernel.shape[1] > FEW:
        kernel = kernel.contiguous(memory_format=LAST)
        return functional.conv_transpose2d(x, kernel, bias, 2, 1, groups=groups)
    found: Tensor = _ToFewChannels.apply(x, kernel, groups)
    return found + bias[:, None, None]


def over_blocks(kernel: Tensor) -> Tensor:
    """Write a 4x4 kernel of stride 2 as one of stride 1 over blocks of 2x2 pixels.

    (a, c, 4, 4) becomes (a, 4 c, 2, 2), the four pixels of a block as `pixel_unshuffle` orders
    them.
    """
    a, c = kernel.shape[:2]
    return kernel.view(a, c, 2, 2, 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(a, 4 * c, 2, 2)


class _ToFewChannels(torch.autograd.Function):
    """`convolve_transposed` without its bias; the gradients are fast as they are."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, groups: int) -> Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.groups = groups
        used = 4 * kernel.shape[1]
        blocks = functional.pad(over_blocks(kernel), (0, 0, 0, 0, 0, FEW - used))
        y = functional.conv_transpose2d(x, blocks.contiguous(memory_format=LAST), groups=groups)
        y = y.view(len(y), groups, FEW, *y.shape[2:])[:, :, :used].flatten(1, 2)
        return functional.pixel_shuffle(y, 2)[..., 1:-1, 1:-1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, kernel = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=LAST)
        needed, steps = [True, True, False], ([2, 2], [1, 1], [1, 1])
        of_x, of_kernel, _ = torch.ops.aten.convolution_backward(
            gradient, x, kernel, None, *steps, True, [0, 0], ctx.groups, needed
        )
        return of_x, of_kernel, None
