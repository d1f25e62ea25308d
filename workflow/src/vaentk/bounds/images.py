"""The images that a loss is the mean over, by number."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ImageSource:
    """Images that a function gives by number: a data set may lie in memory as bytes."""

    images: Callable[[Tensor], Tensor]
    """From numbers int64 (b,) to images (b, ...), in the weights' dtype and on their device."""
    numbers: Tensor
    """int64 (n,), on that device."""

    def of_members(self, numbers: Tensor) -> Tensor:
        """Images of numbers (S, b): (S, b, ...)."""
        images = self.images(numbers.flatten())
        return images.view(*numbers.shape, *images.shape[1:])

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Numbers of ``count`` images, uniformly with replacement: int64 (count,)."""
        device = self.numbers.device
        places = torch.randint(len(self.numbers), (count,), generator=generator, device=device)
        return self.numbers[places]
