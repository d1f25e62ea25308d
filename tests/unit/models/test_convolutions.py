"""Convolutions of stride 2: torch's own answers, values and gradients, by every path."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn import functional

from vaentk.models.convolutions import FEW, LAST, convolve, convolve_transposed, over_blocks

KERNELS = [(4, 1), (2, 0)]  # side, padding
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}  # of sums of at most 48 terms of size 1


def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def values_and_gradients(
    function: Callable[..., Tensor], given: list[Tensor], dtype: torch.dtype
) -> list[Tensor]:
    """Of a function whose outputs have weights of their own, so that no gradient is a constant."""
    leaves = [tensor.to(dtype).requires_grad_() for tensor in given]
    y = function(*leaves)
    weight = torch.linspace(-1, 1, y.numel(), dtype=dtype).view(y.shape)
    return [y.detach(), *torch.autograd.grad((y * weight).sum(), leaves)]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("side", "padding"), KERNELS)
def test_convolve_is_torchs_convolution(
    side: int, padding: int, channels: int, groups: int, dtype: torch.dtype
) -> None:
    given = drawn((2, groups * channels, 6, 8), (groups * 5, channels, side, side), (groups * 5,))
    found = values_and_gradients(lambda *a: convolve(*a, padding, groups), given, dtype)
    expected = values_and_gradients(
        lambda *a: functional.conv2d(*a, 2, padding, groups=groups), given, torch.float64
    )
    assert found[0].shape == (2, groups * 5, 3, 4)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(
            ours.double(), theirs, rtol=TOLERANCE[dtype], atol=10 * TOLERANCE[dtype]
        )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("channels", [1, 3, FEW // 4, FEW // 4 + 1])
def test_convolve_transposed_is_torchs(channels: int, groups: int, dtype: torch.dtype) -> None:
    given = drawn((2, groups * 3, 3, 4), (groups * 3, channels, 4, 4), (groups * channels,))
    found = values_and_gradients(lambda *a: convolve_transposed(*a, groups), given, dtype)
    expected = values_and_gradients(
        lambda *a: functional.conv_transpose2d(*a, 2, 1, groups=groups), given, torch.float64
    )
    assert found[0].shape == (2, groups * channels, 6, 8)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(
            ours.double(), theirs, rtol=TOLERANCE[dtype], atol=10 * TOLERANCE[dtype]
        )


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_convolve_gives_channels_last(channels: int, groups: int) -> None:
    """Whatever it is given: here, channels first."""
    given = drawn((2, groups * channels, 6, 8), (groups * 5, channels, 4, 4), (groups * 5,))
    assert convolve(*given, 1, groups).is_contiguous(memory_format=LAST)


@pytest.mark.parametrize("channels", [1, 3, FEW // 4 + 1])
def test_convolve_transposed_gives_channels_last(channels: int) -> None:
    """For a member alone, as members are on a CPU."""
    given = drawn((2, 3, 3, 4), (3, channels, 4, 4), (channels,))
    assert convolve_transposed(*given, 1).is_contiguous(memory_format=LAST)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("side", "padding"), KERNELS)
def test_gradients_of_convolve_are_its_slopes(
    side: int, padding: int, channels: int, groups: int
) -> None:
    given = drawn((1, groups * channels, 4, 4), (groups * 2, channels, side, side), (groups * 2,))
    leaves = [tensor.requires_grad_() for tensor in given]
    assert gradcheck(lambda *a: convolve(*a, padding, groups), leaves)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_of_convolve_transposed_are_its_slopes(channels: int, groups: int) -> None:
    given = drawn((1, groups * 2, 2, 3), (groups * 2, channels, 4, 4), (groups * channels,))
    leaves = [tensor.requires_grad_() for tensor in given]
    assert gradcheck(lambda *a: convolve_transposed(*a, groups), leaves)


def test_a_kernel_over_blocks_has_its_rows_and_columns_by_twos() -> None:
    """A 4x4 kernel numbered along its rows: each pixel of a block meets every other number."""
    kernel = torch.arange(32.0).view(1, 2, 4, 4)
    first = [
        [[0, 2], [8, 10]],  # upper left pixels of the blocks
        [[1, 3], [9, 11]],
        [[4, 6], [12, 14]],  # lower left
        [[5, 7], [13, 15]],
    ]
    expected = torch.tensor(first, dtype=torch.float32)
    assert torch.equal(over_blocks(kernel), torch.cat([expected, expected + 16])[None])
