"""Cars3D: 183 cars from 4 elevations and 24 azimuths, from the original archive or prepared.

The factors and their order are disentanglement_lib's. Images are halved to 64x64 with Pillow's
bilinear filter, which is how the prepared file was made, so both ways give the same bytes.
disentanglement_lib itself uses Lanczos: the same images, 1.7 of 255 grey values apart on average.
"""

import io
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vaentk.data import npz
from vaentk.data.archives import members
from vaentk.data.facts import Facts
from vaentk.data.grid import Grid
from vaentk.data.stored import Blocks, Fetch
from vaentk.errors import UserError

SIDE: Final = 64
GRID: Final = Grid(names=("elevation", "azimuth", "object"), sizes=(4, 24, 183))

MESHES: Final = re.compile(r"(?:.*/)?cars/(?:car_\d{3}_mesh\.mat|list\.txt)")
LARGEST: Final = 8 << 20  # bytes of one member; the largest has about one million
TOTAL: Final = 1 << 30


def images(*, source: str, fetch: Fetch, **_: Any) -> Blocks:
    """All images, from the original archive or from the prepared file."""
    read, name = {
        "archive": (archive, "nips2015-analogy-data.tar.gz"),
        "prepared": (prepared, "cars3d_x64.npz"),
    }[source]
    pixels = read(fetch("cars3d", [name])[name])
    facts = Facts("cars3d", "cars3d", "real", name, (3, SIDE, SIDE), len(GRID), GRID.factors)
    return Blocks([pixels], pixels.shape, {}, facts.text())


def archive(path: Path) -> NDArray[np.uint8]:
    """Read the original archive ``nips2015-analogy-data.tar.gz``, one file of it at a time.

    Returns
    -------
    uint8 (17568, 3, 64, 64)
        Elevation, azimuth and car, the car varying fastest, in the order of the archive's list.
    """
    cars: dict[str, NDArray[np.uint8]] = {}
    listed: list[str] = []
    for name, content in members(path, MESHES, LARGEST, TOTAL):
        stem = name.rpartition("/")[2].partition(".")[0]
        if stem == "list":
            listed = content.decode("ascii", "replace").split()
        else:
            cars[stem] = mesh(content, f"{name} in {path}")
    missing = [name for name in listed if name not in cars]
    if missing or not len(listed) == len(set(listed)) == GRID.sizes[2]:
        raise UserError(
            f"{path} holds {len(cars)} cars and a list of {len(listed)}, where "
            f"{GRID.sizes[2]} are expected: delete it and run again."
        )
    images = np.stack([cars[name] for name in listed], axis=2)
    return images.reshape(len(GRID), 3, SIDE, SIDE)


def mesh(content: bytes, where: str) -> NDArray[np.uint8]:
    """Read one car, uint8 (4, 24, 3, 64, 64), from its MATLAB file; `where` names it in errors."""
    # Imported here: only the original archive needs it.
    from scipy.io import loadmat

    try:
        images = loadmat(io.BytesIO(content), variable_names=["im"])["im"]
    except Exception as error:  # loadmat raises whatever a damaged file leads it to
        raise UserError(f"{where} is no readable MATLAB file: fetch it again.") from error
    if images.shape != (128, 128, 3, 24, 4) or images.dtype != np.uint8:
        raise UserError(
            f"{where} holds images of shape {images.shape} and type {images.dtype} where "
            "(128, 128, 3, 24, 4) and uint8 are expected: fetch it again."
        )
    views = images.transpose(4, 3, 0, 1, 2).reshape(-1, 128, 128, 3)
    halved = [Image.fromarray(v).resize((SIDE, SIDE), Image.Resampling.BILINEAR) for v in views]
    shape = (*GRID.sizes[:2], SIDE, SIDE, 3)
    return np.stack([np.asarray(h) for h in halved]).reshape(shape).transpose(0, 1, 4, 2, 3)


def prepared(path: Path) -> NDArray[np.uint8]:
    """Read the prepared file ``cars3d_x64.npz``: uint8 (17568, 3, 64, 64)."""
    images = npz.member(path, "images")
    if images.shape != (len(GRID), SIDE, SIDE, 3) or images.dtype != np.uint8:
        raise UserError(
            f"{path} holds images of shape {images.shape} where ({len(GRID)}, 64, 64, 3) is "
            "expected: it is not the prepared file of Cars3D."
        )
    return np.ascontiguousarray(images.whole().transpose(0, 3, 1, 2))
