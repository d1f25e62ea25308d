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
    factors : int
        Factors of variation, where the images are a complete grid of them.
    stand_in : str or None
        Name of the drawn images that can stand in for it.
    """

    title: str
    channels: int
    factors: int = 0
    stand_in: str | None = None


SETS: Final = {
    "dsprites": ImageData("dSprites", channels=1, factors=5),
    "cars3d": ImageData("Cars3D", channels=3, factors=3, stand_in="cars"),
    "celeba": ImageData("CelebA", channels=3, stand_in="faces"),
    "cifar": ImageData("CIFAR", channels=3),
}
"""By key under ``data`` in the configuration, in the order of the report."""
