"""Convolutions of an ensemble on a GPU, in three ways that give the same; the fastest is taken.

``grouped``
    One convolution with a group a member.
``apart``
    One convolution a member, all in the same graph of operations.
``unfolded``
    One batched product of the members' kernels with the images unfolded into columns.

Which is fastest the libraries of a card decide, and for grouped ones they may have no algorithm
that repeats its bytes. So where bytes must be the same every time it is ``apart``, and elsewhere
what is measured at the first call for its shapes, forwards and backwards.
"""

import time
from collections.abc import Callable
from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.nn import functional

Direction = Literal["down", "up"]
Way = Literal["grouped", "apart", "unfolded"]

LAST: Final = torch.channels_last
REPETITIONS: Final = 5
"""Calls of which the fastest counts, after one that is not measured."""

_chosen: dict[tuple[Any, ...], Way] = {}


def convolve_members(
    direction: Direction, x: Tensor, kernel: Tensor, bias: Tensor, padding: int, groups: int
) -> Tensor:
    """Convolve with stride 2 (``down``), or transpose that (``up``), every member on its own.

    As `vaentk.models.convolutions` has them: x (b, groups channels, h, w), the members' kernels one
    after another; of ``up`` the padding is 1.
    """
    way: Way = "grouped"
    if groups > 1:
        way = "apart"
        if not torch.are_deterministic_algorithms_enabled():
            way = _fastest(direction, x, kernel, bias, padding, groups)
    return WAYS[way](direction, x, kernel, bias, padding, groups)


def _grouped(
    direction: Direction, x: Tensor, kernel: Tensor, bias: Tensor, padding: int, groups: int
) -> Tensor:
    x, kernel = x.contiguous(memory_format=LAST), kernel.contiguous(memory_format=LAST)
    if direction == "down":
        return functional.conv2d(x, kernel, bias, 2, padding, groups=groups)
    return functional.conv_transpose2d(x, kernel, bias, 2, padding, groups=groups)


def _apart(
    direction: Direction, x: Tensor, kernel: Tensor, bias: Tensor, padding: int, groups: int
) -> Tensor:
    own = zip(x.chunk(groups, 1), kernel.chunk(groups), bias.chunk(groups), strict=True)
    return torch.cat([_grouped(direction, *parts, padding, 1) for parts in own], dim=1)


def _unfolded(
    direction: Direction, x: Tensor, kernel: Tensor, bias: Tensor, padding: int, groups: int
) -> Tensor:
    batch, side, size = len(x), x.shape[2], kernel.shape[2]
    kernel = kernel.reshape(groups, -1, kernel.shape[1] * size**2)  # (S, a, c k k)
    if direction == "down":
        half = side // 2
        columns = functional.unfold(x, size, padding=padding, stride=2)
        columns = columns.view(batch, groups, -1, half**2).permute(1, 2, 0, 3).flatten(2)
        found = torch.baddbmm(bias.view(groups, -1, 1), kernel, columns)
        found = found.view(groups, -1, batch, half, half)
        return found.permute(2, 0, 1, 3, 4).flatten(1, 2)
    rows = x.reshape(batch, groups, -1, side**2).permute(1, 2, 0, 3).flatten(2)  # (S, a, b h w)
    columns = torch.bmm(kernel.mT, rows).view(groups, -1, batch, side**2)
    columns = columns.permute(2, 0, 1, 3).flatten(1, 2)
    return functional.fold(columns, 2 * side, size, padding=padding, stride=2) + bias[:, None, None]


WAYS: Final[dict[Way, Callable[..., Tensor]]] = {
    "grouped": _grouped,
    "apart": _apart,
    "unfolded": _unfolded,
}


def _fastest(
    direction: Direction, x: Tensor, kernel: Tensor, bias: Tensor, padding: int, groups: int
) -> Way:
    """Look up the fastest way for such shapes, or measure it; not while a graph is recorded."""
    products = torch.backends.cudnn.allow_tf32, torch.get_autocast_dtype("cuda")
    mixed = torch.is_autocast_enabled("cuda") and products[1]
    key = direction, x.shape, kernel.shape, x.dtype, products[0], mixed
    if key not in _chosen:
        if torch.cuda.is_current_stream_capturing():
            return "apart"
        given = [tensor.detach().clone().requires_grad_() for tensor in (x, kernel, bias)]
        seconds = {
            way: _seconds(call, direction, given, padding, groups) for way, call in WAYS.items()
        }
        _chosen[key] = min(seconds, key=seconds.__getitem__)
    return _chosen[key]


def _seconds(
    call: Callable[..., Tensor],
    direction: Direction,
    given: list[Tensor],
    padding: int,
    groups: int,
) -> float:
    """Seconds of a call and its way back; infinite where the libraries have no algorithm."""
    best = torch.inf
    try:
        for repetition in range(1 + REPETITIONS):
            torch.cuda.synchronize()
            start = time.perf_counter()
            with torch.enable_grad():
                found = call(direction, *given, padding, groups)
                torch.autograd.grad(found, given, found.detach())
            torch.cuda.synchronize()
            if repetition:
                best = min(best, time.perf_counter() - start)
    except torch.cuda.OutOfMemoryError:
        raise
    except RuntimeError:
        return torch.inf
    return best
