"""Facts of image data sets, and the images by which a person knows them again."""

import hashlib
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from vaentk.data.facts import PARTS
from vaentk.data.grid import Grid
from vaentk.data.image_set import ImageSet

BLOCK: Final = 4096  # images read at once
COLUMNS: Final = 12  # of a contact sheet
BLANK: Final = 255  # where a row of it has fewer images


def facts(images: ImageSet) -> dict[str, Any]:
    """Describe a data set in one row of a table.

    Returns
    -------
    dict
        ``name``, ``dataset``, ``data``, ``source``, ``images``, ``official``, ``channels``,
        ``height``, ``width``; ``mean`` and ``std`` over all values of all images, from 0 to 1
        (the population standard deviation); ``lit``, the number of values above 0; ``factors``
        and ``attributes`` in words; ``parts``, images for training, validation and test;
        ``checksum``, SHA-256 of the stored pixels.
    """
    about = images.facts
    counts, checksum = _histogram(images)
    values = np.arange(256) / 255
    total = int(counts.sum())
    mean = float(values @ counts / total)
    channels, height, width = about.shape
    return {
        "name": about.name,
        "dataset": about.dataset,
        "data": about.data,
        "source": about.source,
        "images": len(images),
        "official": about.official,
        "channels": channels,
        "height": height,
        "width": width,
        "mean": mean,
        "std": float(np.sqrt((values - mean) ** 2 @ counts / total)),
        "lit": total - int(counts[0]),
        "factors": ", ".join(f"{name} ({size})" for name, size in about.factors),
        "attributes": ", ".join(about.attributes),
        "parts": _parts(images),
        "checksum": f"sha256:{checksum}",
    }


def _histogram(images: ImageSet) -> tuple[NDArray[np.int64], str]:
    """Count how often each value 0..255 occurs, int64 (256,), and hash the stored pixels."""
    counts, digest = np.zeros(256, np.int64), hashlib.sha256()
    for start in range(0, len(images), BLOCK):
        stored = images.pixels[start : start + BLOCK].contiguous().numpy()
        digest.update(stored.data)
        if images.packed:
            lit = int(np.bitwise_count(stored).sum())
            counts[[0, 255]] += (8 * stored.size - lit, lit)
        else:
            counts += np.bincount(stored.ravel(), minlength=256)
    return counts, digest.hexdigest()


def _parts(images: ImageSet) -> str:
    """Say how many images each part has; nothing where there are no parts."""
    if images.parts is None:
        return ""
    counts = np.bincount(images.parts.numpy(), minlength=len(PARTS))
    return ", ".join(f"{count:,} {part}" for part, count in zip(PARTS, counts, strict=True))


def contact_sheet(
    images: ImageSet, generator: np.random.Generator
) -> tuple[NDArray[np.uint8], list[str]]:
    """Choose images to show: a row for each factor on its own, and rows drawn at random.

    Returns
    -------
    sheet : uint8 (rows, 12, c, h, w)
        White where a factor takes fewer values.
    labels : list of str
        What varies along each row.
    """
    grid = images.facts.grid
    by_factor = [] if grid is None else [_along(grid, place) for place in range(len(grid.sizes))]
    at_random = generator.choice(len(images), size=(1 if grid else 2, COLUMNS), replace=False)
    rows = [*by_factor, *at_random]
    sheet = np.full((len(rows), COLUMNS, *images.facts.shape), BLANK, np.uint8)
    for row, numbers in zip(sheet, rows, strict=True):
        row[: len(numbers)] = images.images(torch.from_numpy(numbers)).numpy()
    factors = [name for name, _ in images.facts.factors]
    return sheet, [*factors, *["at random"] * len(at_random)]


def _along(grid: Grid, place: int) -> NDArray[np.int64]:
    """Numbers of at most 12 images along one factor, evenly, the other factors at a third."""
    size = grid.sizes[place]
    along = np.linspace(0, size - 1, min(size, COLUMNS)).round().astype(np.int64)
    values = np.tile(np.array(grid.sizes) // 3, (len(along), 1))
    values[:, place] = along
    return grid.indices(values)
