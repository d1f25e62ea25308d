"""The image data sets that networks are trained on."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ImageData:
    """What settings, costs and labels have to know of a data set.

    Attributes
    ----------
    title : str
        As figures call it.
    channels : int
    images : int
        How many there are in the whole of it.
    size : int
        Bytes of an image; those of dSprites are one bit a pixel.
    side : int
        Of an image, in pixels.
    factors : tuple of int
        Values of each factor of variation, where the images are a complete grid of them.
    training : int
        How many of the images are the training part, where there are parts.
    stand_in : str or None
        Name of the drawn images that can stand in for it.
    """

    title: str
    channels: int
    images: int
    size: int
    side: int = 64
    factors: tuple[int, ...] = ()
    training: int = 0
    stand_in: str | None = None


SETS: Final = {
    "dsprites": ImageData("dSprites", 1, 737_280, size=512, factors=(3, 6, 40, 32, 32)),
    "cars3d": ImageData("Cars3D", 3, 17_568, size=12_288, factors=(4, 24, 183)),
    "celeba": ImageData("CelebA", 3, 202_599, size=12_288, training=162_770, stand_in="faces"),
    "cifar": ImageData("CIFAR", 3, 60_000, size=3_072, side=32, training=50_000),
}
"""By key under ``data`` in the configuration, in the order of the report."""
