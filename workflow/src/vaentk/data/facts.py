"""What an image file says of itself."""

import json
from dataclasses import dataclass
from typing import Final, Literal, Self

from vaentk.data.grid import Grid

Part = Literal["train", "validation", "test"]
PARTS: Final[tuple[Part, ...]] = ("train", "validation", "test")


@dataclass(frozen=True)
class Facts:
    """What an image file says of itself, in the metadata of its safetensors file.

    Attributes
    ----------
    name : str
        The images, as their file is called.
    dataset : str
        The data set that they are or stand in for, as ``config/datasets.csv`` calls it.
    data : str
        What the images are: ``real``, ``partial``, ``drawn``, ``embedded subset``, ``stand-in``.
    source : str
        Where they come from, in words.
    shape : tuple of int
        Channels, height and width of an image.
    official : int
        Images in the whole data set, of which a partial file holds fewer.
    factors : tuple of (str, int)
        Name and size of every factor where the images are a complete grid, the last varying
        fastest.
    attributes : tuple of str
        Names of binary attributes.
    """

    name: str
    dataset: str
    data: str
    source: str
    shape: tuple[int, int, int]
    official: int
    factors: tuple[tuple[str, int], ...] = ()
    attributes: tuple[str, ...] = ()

    def text(self) -> str:
        """The facts as one line of JSON."""
        return json.dumps(self.__dict__)

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what `text` wrote."""
        plain = json.loads(text)
        plain["shape"] = tuple(plain["shape"])
        plain["factors"] = tuple((name, size) for name, size in plain["factors"])
        plain["attributes"] = tuple(plain["attributes"])
        return cls(**plain)

    @property
    def grid(self) -> Grid | None:
        """The factors as a grid, where the images are one."""
        if not self.factors:
            return None
        names, sizes = zip(*self.factors, strict=True)
        return Grid(names, sizes)
