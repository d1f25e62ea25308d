"""CelebA: aligned faces read from the zip or a folder as they are, attributes, partition.

A partial archive is used as it is; how many of the official images it holds is part of what the
images say of themselves.
"""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from vaentk.data.archives import Zip
from vaentk.data.at_hand import at_hand
from vaentk.data.facts import PARTS, Facts
from vaentk.data.stored import Blocks, Fetch
from vaentk.errors import UserError

IMAGES: Final = 202_599
SIZE: Final = (178, 218)  # width and height of an aligned image
SIDE: Final = 64
CROP: Final = 148  # pixels a side of the centre crop
ENDS: Final = (162_770, 182_637)  # last image for training and for validation

NAME: Final = re.compile(r"(?:.*/)?(\d{6})\.jpg")
FEWEST: Final = 50  # images of each part, by which attributes can be told apart at all
NUMBERS: Final = "training ends at 162770.jpg, validation at 182637.jpg"
LARGEST: Final = 1 << 20  # bytes of one image
TOTAL: Final = 4 << 30
BLOCK: Final = 512

Crop = Literal["centre", "whole"]


def images(*, name: str, source: str, fetch: Fetch, threads: int, **_: Any) -> Blocks:
    """Aligned faces with their attributes, complete or not, cropped or whole."""
    archive, listed = "img_align_celeba.zip", "list_attr_celeba.txt"
    files = fetch("celeba", [listed] if source == "partial" else [archive, listed])
    names, values = attributes(files[listed])
    where = at_hand(files[listed].parent) if source == "partial" else files[archive]
    with opened(where) as faces:
        ids = faces.ids
    crop: Crop = "whole" if name == "celeba_whole" else "centre"

    def blocks() -> Iterator[NDArray[np.uint8]]:
        with opened(where) as faces:
            yield from faces.blocks(crop, threads)

    kind = "real" if len(ids) == IMAGES else "partial"
    said = f"{where.name}, {'the middle 148x148 pixels' if crop == 'centre' else 'uncropped'}"
    shape = (3, SIDE, SIDE)
    facts = Facts(name, "celeba", kind, said, shape, IMAGES, attributes=names)
    parts = partition(ids)
    for part, found in zip(PARTS, np.bincount(parts, minlength=len(PARTS)), strict=True):
        if found < FEWEST:
            raise UserError(
                f"{where} holds {found} {part} images where {FEWEST} or more are needed: add some "
                f"({NUMBERS}), or set data.celeba: stand-in"
            )
    others: dict[str, NDArray[Any]] = {
        "ids": ids,
        "attributes": values[ids - 1],
        "parts": parts,
    }
    return Blocks(blocks(), (len(ids), *shape), others, facts.text())


@dataclass(frozen=True)
class Faces:
    """The images that were found: where, their official numbers ascending, and their files."""

    where: Path
    ids: NDArray[np.int64]
    names: Sequence[str]
    read: Callable[[str], bytes]

    def __len__(self) -> int:
        return len(self.ids)

    def blocks(self, crop: Crop, threads: int = 1) -> Iterator[NDArray[np.uint8]]:
        """Decode all images, cropped and resized to 64x64 with Pillow's bilinear filter.

        Parameters
        ----------
        crop : {"centre", "whole"}
            ``centre``: the middle 148x148 pixels (Figure 4). ``whole``: all of it, which changes
            its proportions (paper 2).
        threads : int
            Images decoded at once.

        Yields
        ------
        uint8 (b, 3, 64, 64)
        """
        with ThreadPoolExecutor(threads) as pool:
            for start in range(0, len(self), BLOCK):
                named = self.names[start : start + BLOCK]
                yield np.stack(list(pool.map(lambda name: self._image(name, crop), named)))

    def _image(self, name: str, crop: Crop) -> NDArray[np.uint8]:
        try:
            with Image.open(io.BytesIO(self.read(name)), formats=["JPEG"]) as image:
                if image.size != SIZE:
                    raise UserError(
                        f"{name} in {self.where} has {image.size[0]}x{image.size[1]} pixels where "
                        f"{SIZE[0]}x{SIZE[1]} are expected: it is not an aligned CelebA image."
                    )
                return prepare(image.convert("RGB"), crop)
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise UserError(
                f"{name} in {self.where} is a damaged image ({error}): fetch the archive again."
            ) from error


def prepare(image: Image.Image, crop: Crop) -> NDArray[np.uint8]:
    """Crop an RGB image and resize it: uint8 (3, 64, 64)."""
    if crop == "centre":
        left, top = (image.width - CROP) // 2, (image.height - CROP) // 2
        image = image.crop((left, top, left + CROP, top + CROP))
    small = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small).transpose(2, 0, 1)


@contextmanager
def opened(path: Path) -> Iterator[Faces]:
    """Open the aligned images: a zip, or a folder, complete or not."""
    if path.is_dir():
        files = [file.name for file in path.iterdir()]
        yield _faces(path, files, lambda name: (path / name).read_bytes())
        return
    with Zip(path, NAME, LARGEST, TOTAL) as archive:
        yield _faces(path, archive.names, archive.read)


def _faces(where: Path, files: Sequence[str], read: Callable[[str], bytes]) -> Faces:
    """Those of the files that are official images, by their numbers."""
    numbered = {int(match[1]): match[0] for match in map(NAME.fullmatch, files) if match}
    ids = np.array(sorted(k for k in numbered if 1 <= k <= IMAGES), dtype=np.int64)
    if not len(ids):
        raise UserError(f"{where} holds no aligned CelebA images (000001.jpg and so on).")
    return Faces(where, ids, [numbered[number] for number in ids.tolist()], read)


def attributes(path: Path) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Read the official ``list_attr_celeba.txt``.

    Returns
    -------
    names : tuple of str
        The 40 attributes.
    values : uint8 (202599, 40)
        0 or 1; row k belongs to image k + 1.
    """
    try:
        with path.open(encoding="ascii") as stream:
            count, names = int(stream.readline()), tuple(stream.readline().split())
            table = pd.read_csv(stream, sep=r"\s+", header=None, index_col=0, engine="c")
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: download it, or put it there.") from error
    except ValueError as error:
        raise UserError(f"{path} is no readable list of attributes: fetch it again.") from error
    values = table.to_numpy()
    numbers = table.index.astype(str).str.removesuffix(".jpg")
    expected = [f"{k:06d}" for k in range(1, count + 1)]
    if values.shape != (count, len(names)) or list(numbers) != expected:
        raise UserError(f"{path} does not hold the {count} rows it announces: fetch it again.")
    if not np.isin(values, (-1, 1)).all():
        raise UserError(f"{path} holds values other than -1 and 1: fetch it again.")
    return names, (values > 0).astype(np.uint8)


def partition(ids: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Official parts of images, as ``list_eval_partition.txt`` has them, uint8 (n,).

    0 for training, 1 for validation, 2 for test.
    """
    return np.searchsorted(ENDS, ids).astype(np.uint8)
