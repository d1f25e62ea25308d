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
    factors : int
        Factors of variation, where the images are a complete grid of them.
    stand_in : str or None
        Name of the drawn images that can stand in for it.
    """

    title: str
    channels: int
    images: int
    size: int
    side: int = 64
    factors: int = 0
    stand_in: str | None = None


SETS: Final = {
    "dsprites": ImageData("dSprites", channels=1, images=737_280, size=512, factors=5),
    "cars3d": ImageData("Cars3D", 3, images=17_568, size=12_288, factors=3),
    "celeba": ImageData("CelebA", 3, images=202_599, size=12_288, stand_in="faces"),
    "cifar": ImageData("CIFAR", channels=3, images=60_000, size=3_072, side=32),
}
"""By key under ``data`` in the configuration, in the order of the report."""
