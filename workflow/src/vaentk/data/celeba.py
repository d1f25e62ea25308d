"""CelebA: aligned faces read from the zip or a folder as they are, attributes, partition.

A partial archive is used as it is; how many of the official images it holds is part of what the
images say of themselves.
"""

import io
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from vaentk.data.archives import Zip
from vaentk.errors import UserError

IMAGES: Final = 202_599
SIZE: Final = (178, 218)  # width and height of an aligned image
SIDE: Final = 64
CROP: Final = 148  # pixels a side of the centre crop
ENDS: Final = (162_770, 182_637)  # last image for training and for validation

NAME: Final = re.compile(r"(?:.*/)?(\d{6})\.jpg")
LARGEST: Final = 1 << 20  # bytes of one image
TOTAL: Final = 4 << 30
BLOCK: Final = 512

Crop = Literal["centre", "whole"]


class _Files(Protocol):
    """Image files by name."""

    @property
    def names(self) -> list[str]:
        """Their names, sorted."""

    def read(self, name: str) -> bytes:
        """Content of a file."""


@dataclass(frozen=True)
class Faces:
    """The images that were found.

    Attributes
    ----------
    where : Path
        The zip or the folder.
    ids : int64 (n,)
        Official numbers, 1 to 202599, ascending.
    """

    where: Path
    ids: NDArray[np.int64]
    files: _Files
    names: Sequence[str]

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

        Raises
        ------
        UserError
            If an image is damaged or has another size.
        """
        with ThreadPoolExecutor(threads) as pool:
            for start in range(0, len(self), BLOCK):
                named = self.names[start : start + BLOCK]
                yield np.stack(list(pool.map(lambda name: self._image(name, crop), named)))

    def _image(self, name: str, crop: Crop) -> NDArray[np.uint8]:
        try:
            with Image.open(io.BytesIO(self.files.read(name)), formats=["JPEG"]) as image:
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


def at_hand(folder: Path) -> Path:
    """Find the aligned images in a folder: the zip, else the folder that it unpacks to.

    Raises
    ------
    UserError
        If there is neither.
    """
    for path in (folder / "img_align_celeba.zip", folder / "img_align_celeba"):
        if path.exists():
            return path
    raise UserError(
        f"{folder} holds neither img_align_celeba.zip nor a folder img_align_celeba: put one "
        "there, or set data.celeba: full to download it, or data.celeba: stand-in."
    )


@contextmanager
def opened(path: Path) -> Iterator[Faces]:
    """Open the aligned images: a zip, or a folder, complete or not.

    Raises
    ------
    UserError
        If there are no aligned images at `path`.
    """
    if path.is_dir():
        yield _faces(path, _Folder(path))
        return
    with Zip(path, NAME, LARGEST, TOTAL) as archive:
        yield _faces(path, archive)


@dataclass(frozen=True)
class _Folder:
    folder: Path

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if NAME.fullmatch(path.name))

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


def _faces(where: Path, files: _Files) -> Faces:
    numbered = {}
    for name in files.names:
        match = NAME.fullmatch(name)
        if match and 1 <= int(match[1]) <= IMAGES:
            numbered[int(match[1])] = name
    if not numbered:
        raise UserError(f"{where} holds no aligned CelebA images (000001.jpg and so on).")
    ids = np.array(sorted(numbered), dtype=np.int64)
    return Faces(where, ids, files, [numbered[number] for number in ids.tolist()])


def attributes(path: Path) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Read the official ``list_attr_celeba.txt``.

    Returns
    -------
    names : tuple of str
        The 40 attributes.
    values : uint8 (202599, 40)
        0 or 1; row k belongs to image k + 1.

    Raises
    ------
    UserError
        If the file is missing or damaged.
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
    """Official parts of images: 0 for training, 1 for validation, 2 for test, uint8 (n,).

    The official ``list_eval_partition.txt`` says just this: images up to 162770 are for training,
    then up to 182637 for validation, the rest for test.
    """
    return np.searchsorted(ENDS, ids).astype(np.uint8)
