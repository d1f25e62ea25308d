"""One interface to every image data set: images by number, on any device."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vaentk.data.facts import PARTS, Facts, Part
from vaentk.errors import UserError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in memory or memory-mapped, with what is known of each.

    Attributes
    ----------
    pixels : Tensor
        uint8: grey or colour values 0..255, (n, c, h, w); or bit-packed black and white,
        (n, h w / 8), 8 pixels a byte, the leftmost in the lowest bit.
    attributes : Tensor or None
        Binary attributes, uint8 (n, k).
    parts : Tensor or None
        uint8 (n,): 0 for training images, 1 for validation, 2 for test.
    pooling : int
        Pixels that are averaged to one, along each side, when images are gathered. The shape in
        the facts is that of the gathered images.
    """

    facts: Facts
    pixels: Tensor
    attributes: Tensor | None = None
    parts: Tensor | None = None
    pooling: int = 1

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], note: str) -> Self:
        """Take the tensors and the metadata of an image file."""
        facts = Facts.of(note)
        pixels = tensors["images"]
        if pixels.ndim == 3:  # grey images without a channel
            pixels = pixels[:, None]
        return cls(facts, pixels, tensors.get("attributes"), tensors.get("parts"))

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def device(self) -> torch.device:
        """Where images are given."""
        return self.pixels.device

    @property
    def packed(self) -> bool:
        """Whether the images are stored as bits."""
        return self.pixels.ndim == 2

    def to(self, device: torch.device | str) -> Self:
        """Move the images to a device; on the one where they are nothing is copied."""
        return self._each(lambda tensor: tensor.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Change all tensors alike."""
        changed: dict[str, Any] = {
            name: change(tensor)
            for name in ("pixels", "attributes", "parts")
            if (tensor := getattr(self, name)) is not None
        }
        return replace(self, **changed)

    def pooled(self, side: int) -> Self:
        """Average blocks of pixels, so that images are gathered with ``side`` pixels a side.

        Raises
        ------
        UserError
            Where the images' own side is not a multiple of it.
        """
        channels, stored, width = self.facts.shape
        pooling, left = divmod(stored, side)
        if left:
            raise UserError(
                f"images of {self.facts.name} have {stored} pixels a side, which cannot be pooled "
                f"to {side}: choose another side."
            )
        facts = replace(self.facts, shape=(channels, side, width // pooling))
        return replace(self, facts=facts, pooling=self.pooling * pooling)

    def images(self, indices: Tensor) -> Tensor:
        """Gather images by number, on their device: int64 (b,) to uint8 (b, c, h, w).

        Values are 0..255, means of pooled pixels rounded; a packed pixel is 0 or 255.
        """
        chosen = self.pixels.index_select(0, indices)
        if self.packed:
            channels, height, width = self.facts.shape
            shape = channels, height * self.pooling, width * self.pooling
            chosen = _unpacked(chosen.flatten()).view(len(indices), *shape)
        if self.pooling == 1:
            return chosen
        return avg_pool2d(chosen.float(), self.pooling).round_().to(torch.uint8)

    def of_part(self, part: Part) -> Tensor:
        """Numbers of the images of one part, int64; all images where there are no parts."""
        if self.parts is None:
            return torch.arange(len(self), device=self.device)
        return (self.parts == PARTS.index(part)).nonzero().squeeze(1)

    def only(self, part: Part) -> Self:
        """The images of one part, without a copy where they lie together; no grid of factors."""
        numbers = self.of_part(part)
        together = len(numbers) > 0 and numbers[-1] - numbers[0] == len(numbers) - 1
        chosen = slice(int(numbers[0]), int(numbers[-1]) + 1) if together else numbers
        own = self._each(lambda tensor: tensor[chosen])
        return replace(own, facts=replace(self.facts, factors=()))


def _unpacked(packed: Tensor) -> Tensor:
    """The pixels of packed bytes, 0 or 255: uint8 (b,) to (8 b,)."""
    if packed.device.type == "cpu":
        bits = np.unpackbits(packed.numpy(), bitorder="little")
        return torch.from_numpy(np.negative(bits, out=bits))  # -1 is 255
    pixels = _pixels_of_bytes(packed.device).index_select(0, packed.int())
    return pixels.view(torch.uint8)


@cache
def _pixels_of_bytes(device: torch.device) -> Tensor:
    """The 8 pixels of every byte, as one int64 each: a table of 256."""
    return _unpacked(torch.arange(256, dtype=torch.uint8)).view(torch.int64).to(device)
