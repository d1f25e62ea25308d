"""dSprites, published: the file read in blocks, and the drawing compared with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaentk.data import npz
from vaentk.data.dsprites.drawing import BLOCK, GRID, SIDE, draw, draw_all, pack, unpack
from vaentk.data.facts import Facts
from vaentk.data.stored import Blocks, Fetch
from vaentk.errors import UserError

PUBLISHED_ON: Final = 128_328_862
"""Set pixels of the published images: their stated mean, 0.042494423521889584, times their size."""


def images(*, source: str, fetch: Fetch, **_: Any) -> Blocks:
    """All images, drawn from their geometry or read from the published file."""
    if source == "drawn":
        kind, said = "drawn", "drawn by vaentk from the geometry of the images"
        blocks = draw_all()
    else:
        [file] = fetch("dsprites").values()
        kind, said = "real", file.name
        blocks = read(file)
    facts = Facts("dsprites", "dsprites", kind, said, (1, SIDE, SIDE), len(GRID), GRID.factors)
    return Blocks(blocks, (len(GRID), SIDE * SIDE // 8), {}, facts.text())


def read(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Read the published file in blocks, so that its 3 GB of pixels are never in memory.

    Yields
    ------
    uint8 (b, 512)
        Bit-packed images, in the published order.
    """
    images = _images(path)
    if images.shape[0] != len(GRID):
        raise UserError(
            f"{path} holds {images.shape[0]} images where {len(GRID)} are expected: "
            "delete it and run again."
        )
    return map(pack, images.blocks(BLOCK))


@dataclass(frozen=True)
class Comparison:
    """What a comparison found: images compared, pixels that differ, images with any, and where."""

    images: int
    pixels: int
    differing: int
    places: tuple[str, ...]

    def lines(self) -> list[str]:
        """The sum, then the places."""
        said = [
            f"{self.pixels} differing pixels in {self.differing} images of {self.images}",
            *self.places,
        ]
        hidden = self.differing - len(self.places)
        return [*said, f"and {hidden} more images"] if hidden else said


def compare(path: Path, shown: int) -> Comparison:
    """Compare the drawing with the published file or any part of it.

    Parameters
    ----------
    path : Path
        An npz file with the images ``imgs`` and with what tells which they are: the published
        file's ``latents_classes``, or for a part also ``original_dataset_indices``.
    shown : int
        Images of which it says at most where they differ.
    """
    images = _images(path)
    indices = _indices(path, images.shape[0])
    start = pixels = differing = 0
    places: list[str] = []
    for block in images.blocks(BLOCK):
        here = indices[start : start + len(block)]
        differences = draw(here) ^ pack(block)
        counts = np.bitwise_count(differences).sum(axis=1)
        wrong = np.flatnonzero(counts)
        left = max(0, shown - len(places))
        places += [_places(here[at], differences[at]) for at in wrong[:left]]
        start, pixels, differing = start + len(block), pixels + counts.sum(), differing + len(wrong)
    return Comparison(start, int(pixels), differing, tuple(places))


def agreement(lit: int, checksum: str, record: Mapping[str, Any]) -> str:
    """Say in words how well drawn images agree with published ones.

    Of the whole drawing, `lit` is the number of set pixels and `checksum` the ``sha256:<hex>`` of
    the packed images; `record` is what ``compare --record`` wrote when a drawing was compared.
    """
    sum_of_all = f"{lit:,} set pixels in all, {lit - PUBLISHED_ON:+,} against the published number"
    if checksum != record["checksum"]:
        return f"{sum_of_all}; other bytes than the drawing that was compared pixel by pixel"
    return (
        f"{record['pixels']:,} differing pixels in {record['differing']:,} images of "
        f"{record['images']:,} published ones compared pixel by pixel; {sum_of_all}"
    )


def _images(path: Path) -> npz.Member:
    """Find the images of a published file."""
    images = npz.member(path, "imgs")
    if images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise UserError(
            f"{path} holds imgs of shape {images.shape} and type {images.dtype} where "
            "(images, 64, 64) and uint8 are expected: it is not a file of dSprites."
        )
    return images


def _indices(path: Path, count: int) -> NDArray[np.int64]:
    """Places of a file's images in the published order, by the most exact of its keys."""
    known = npz.names(path)
    if "original_dataset_indices" in known:
        indices = npz.member(path, "original_dataset_indices").whole().astype(np.int64).ravel()
    elif "latents_values" in known and count != len(GRID):
        # A part may number its classes anew; its values stay what they are.
        values = npz.member(path, "latents_values").whole()[:, -5:]
        steps = [1.0, 0.1, 2 * np.pi / 39, 1 / 31, 1 / 31]
        starts = [1.0, 0.5, 0.0, 0.0, 0.0]
        indices = GRID.indices(np.rint((values - starts) / steps).astype(np.int64))
    elif "latents_classes" in known:
        # The published file has the colour first, which takes one value.
        classes = npz.member(path, "latents_classes").whole()[:, -5:].astype(np.int64)
        indices = GRID.indices(classes)
    else:
        raise UserError(
            f"{path} does not tell which images it holds: it needs the array "
            "original_dataset_indices or latents_classes."
        )
    if len(indices) != count:
        raise UserError(f"{path} holds {count} images but says of {len(indices)} which they are.")
    return indices


def _places(index: np.int64, difference: NDArray[np.uint8]) -> str:
    """Say in one line where the drawing and a file differ in one image."""
    factors = zip(GRID.names, GRID.values(np.array([index]))[0].tolist(), strict=True)
    drawn = unpack(draw(np.array([index])))[0]
    pixels = [
        f"row {row} column {column} (drawn {drawn[row, column]})"
        for row, column in np.argwhere(unpack(difference[None])[0]).tolist()
    ]
    words = ", ".join(f"{name} {value}" for name, value in factors)
    return f"image {index} ({words}): {'; '.join(pixels)}"
