"""CIFAR: archives as Python 2 wrote them, torchvision's own reading, and streams that attack."""

import hashlib
import io
import itertools
import os
import pickle
import re
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from vaentk.data import cifar
from vaentk.errors import UserError

Kind = Literal["cifar10", "cifar100"]
Part = Literal["train", "test"]
Entry = dict[str, object]
Dump = Callable[[object], bytes]

CLASSES = {"cifar10": 10, "cifar100": 100}


def python2(value: object) -> bytes:
    """Write a pickle with the opcodes of Python 2: bytes for text, numpy's old paths, ints for 0/1.

    numpy and Python 3 cannot write such a stream any more.
    """
    places = itertools.count(1)

    def put(code: bytes) -> bytes:
        place = next(places)
        return code + (b"q" + bytes([place]) if place < 256 else b"r" + struct.pack("<I", place))

    def write(value: object) -> bytes:
        match value:
            case int():
                wide = b"M" + struct.pack("<H", value)
                return b"K" + bytes([value]) if value < 256 else wide
            case str():
                return write(value.encode("latin1"))
            case bytes() if len(value) < 256:
                return put(b"U" + bytes([len(value)]) + value)
            case bytes():
                return put(b"T" + struct.pack("<i", len(value)) + value)
            case list():
                start = put(b"]") + b"("
                return start + b"".join(map(write, value)) + b"e"
            case dict():
                start = put(b"}") + b"("
                return start + b"".join(write(x) for pair in value.items() for x in pair) + b"u"
        assert isinstance(value, np.ndarray)
        rows, columns = map(write, value.shape)
        kind = b"cnumpy\ndtype\n" + write(value.dtype.str[1:]) + b"K\x00K\x01\x87R"
        kind += (
            b"(K\x03" + write(value.dtype.str[0]) + b"NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
        )
        empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        order = b"\x88" if np.isfortran(value) else b"\x89"
        content = write(value.tobytes("A"))
        return empty + b"(K\x01" + rows + columns + b"\x86" + kind + order + content + b"tb"

    return b"\x80\x02" + write(value) + b"."


def python3(value: object) -> bytes:
    return pickle.dumps(value, protocol=2, fix_imports=True)


def entries(kind: Kind) -> dict[str, Entry]:
    """Contents of a data set with 2 images in each file, in the order of the official archive."""
    generator = np.random.default_rng(len(kind))
    classes = [f"class {label}" for label in range(CLASSES[kind])]

    def batch(name: str) -> Entry:
        labels = generator.integers(0, CLASSES[kind], 2).tolist()
        entry: Entry = {"batch_label": f"{name} of a few", "filenames": ["a.png", "b.png"]}
        entry |= {"labels": labels} if kind == "cifar10" else {"fine_labels": labels}
        if kind == "cifar100":
            entry["coarse_labels"] = [0, 1]
        entry["data"] = generator.integers(0, 256, (2, 3072), dtype=np.uint8)
        return entry

    if kind == "cifar100":
        folder = "cifar-100-python/"
        meta: Entry = {"fine_label_names": classes, "coarse_label_names": ["one", "two"]}
        return {folder + "meta": meta, folder + "test": batch("test"), folder + "train": batch("t")}
    folder = "cifar-10-batches-py/"
    names = ["data_batch_4", "test_batch", "data_batch_3", "batches.meta"]
    names += ["data_batch_2", "data_batch_5", "data_batch_1"]
    files = {folder + name: batch(name) for name in names}
    files[folder + "batches.meta"] = {"num_cases_per_batch": 2, "label_names": classes}
    return files


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {**files, "readme.html": b"<html>"}.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return path


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cifar.COUNTS, "train", 10)
    monkeypatch.setitem(cifar.COUNTS, "test", 2)


def small(folder: Path, kind: Kind, dump: Dump = python2) -> Path:
    return pack(folder / "a.tar.gz", {name: dump(entry) for name, entry in entries(kind).items()})


def failure(path: Path, kind: Kind = "cifar10", part: Part = "test") -> str:
    """Return the one sentence with which reading fails."""
    with pytest.raises(UserError) as caught:
        cifar.read(path, kind, part)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert sentence.endswith("delete it and run again.")
    return sentence


# Reading


@pytest.mark.parametrize("dump", [python2, python3])
def test_cifar10_files_come_in_the_order_of_their_numbers(tmp_path: Path, dump: Dump) -> None:
    files = entries("cifar10")
    batches = [files[f"cifar-10-batches-py/data_batch_{number}"] for number in range(1, 6)]
    images, labels = cifar.read(small(tmp_path, "cifar10", dump), "cifar10", "train")
    assert images.shape == (10, 3, 32, 32)
    assert images.dtype == labels.dtype == np.uint8
    assert images.flags.writeable
    for index, batch in enumerate(batches):
        part = slice(2 * index, 2 * index + 2)
        np.testing.assert_array_equal(images[part].reshape(2, 3072), batch["data"])
        assert labels[part].tolist() == batch["labels"]


def test_planes_rows_and_columns_of_a_known_image(tmp_path: Path) -> None:
    """The format's words: 1024 red, 1024 green, 1024 blue, each 32 rows of 32."""
    files = entries("cifar10")
    data = np.zeros((2, 3072), np.uint8)
    data[1, 1024 + 32 * 5 + 7] = 200
    files["cifar-10-batches-py/test_batch"]["data"] = data
    path = pack(tmp_path / "a.tar.gz", {name: python2(entry) for name, entry in files.items()})
    images, _ = cifar.read(path, "cifar10", "test")
    assert np.argwhere(images).tolist() == [[1, 1, 5, 7]]


@pytest.mark.parametrize("dump", [python2, python3])
@pytest.mark.parametrize("part", ["train", "test"])
def test_cifar100_has_fine_labels(
    tmp_path: Path, part: Part, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cifar.COUNTS, part, 2)
    entry = entries("cifar100")[f"cifar-100-python/{part}"]
    images, labels = cifar.read(small(tmp_path, "cifar100", dump), "cifar100", part)
    np.testing.assert_array_equal(images.reshape(2, 3072), entry["data"])
    assert labels.tolist() == entry["fine_labels"]


def test_array_stored_by_columns(tmp_path: Path) -> None:
    files = entries("cifar10")
    entry = files["cifar-10-batches-py/test_batch"]
    expected = entry["data"]
    entry["data"] = np.asfortranarray(expected)
    path = pack(tmp_path / "a.tar.gz", {name: python2(entry) for name, entry in files.items()})
    images, _ = cifar.read(path, "cifar10", "test")
    np.testing.assert_array_equal(images.reshape(2, 3072), expected)


def test_streams_of_these_tests_are_those_of_the_official_files() -> None:
    """The names of CIFAR-10 written by `python2` have the md5 sum of the official batches.meta."""
    names = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    stream = python2({"num_cases_per_batch": 10_000, "label_names": names, "num_vis": 3072})
    assert hashlib.md5(stream).hexdigest() == "5ff9c542aee3614f3951f8cda6e48888"


@pytest.mark.filterwarnings("ignore:dtype.*align should be passed")
@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_agrees_with_torchvision(
    tmp_path: Path, kind: Kind, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    files = {name: python2(entry) for name, entry in entries(kind).items()}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    official = datasets.CIFAR10 if kind == "cifar10" else datasets.CIFAR100

    def digest(name: str) -> str:
        return hashlib.md5(files[f"{official.base_folder}/{name}"]).hexdigest()

    own = {
        "train_list": [(name, digest(name)) for name, _ in official.train_list],
        "test_list": [(name, digest(name)) for name, _ in official.test_list],
        "meta": {**official.meta, "md5": digest(official.meta["filename"])},
    }
    theirs = type("Small", (official,), own)(tmp_path, train=part == "train")
    monkeypatch.setitem(cifar.COUNTS, part, len(theirs))
    images, labels = cifar.read(pack(tmp_path / "a.tar.gz", files), kind, part)
    np.testing.assert_array_equal(images.transpose(0, 2, 3, 1), theirs.data)
    assert labels.tolist() == theirs.targets


@pytest.mark.parametrize(
    ("kind", "file", "train", "test"),
    [
        ("cifar10", "cifar-10-python.tar.gz", [6, 9, 9, 4, 1], [3, 8, 8, 0, 6]),
        ("cifar100", "cifar-100-python.tar.gz", [19, 29, 0, 11, 1], [49, 33, 72, 51, 71]),
    ],
)
def test_official_archives_are_the_known_sets(
    kind: Kind, file: str, train: list[int], test: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = os.environ.get("VAENTK_TEST_CACHE") or os.environ.get("VAENTK_CACHE")
    paths = sorted(Path(folder).glob(f"*/{file}")) if folder else []
    if not paths:
        pytest.skip(f"needs {file} in VAENTK_TEST_CACHE or VAENTK_CACHE")
    monkeypatch.undo()
    images, labels = cifar.read(paths[0], kind, "train")
    assert images.shape == (50_000, 3, 32, 32)
    assert labels[:5].tolist() == train
    assert set(np.bincount(labels)) == {50_000 // CLASSES[kind]}
    images, labels = cifar.read(paths[0], kind, "test")
    assert images.shape == (10_000, 3, 32, 32)
    assert labels[:5].tolist() == test
    assert set(np.bincount(labels)) == {10_000 // CLASSES[kind]}


# Streams that attack


class Call:
    """Pickled, it calls a function when it is read without restriction."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def attack(folder: Path, stream: bytes) -> Path:
    files = {name: python2(entry) for name, entry in entries("cifar10").items()}
    return pack(folder / "a.tar.gz", {**files, "cifar-10-batches-py/test_batch": stream})


@pytest.mark.parametrize("protocol", range(6))
def test_stream_that_runs_a_program_is_refused(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "target"
    harm = {"data": Call(os.mkdir, str(target))}
    stream = pickle.dumps(harm, protocol=protocol)
    sentence = failure(attack(tmp_path, stream))
    assert "holds 'cifar-10-batches-py/test_batch', which asks for 'posix.mkdir'" in sentence
    assert not target.exists()
    pickle.loads(stream)
    assert target.exists(), "the stream does harm where it is not refused"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("os", "system"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy.core.multiarray", "_reconstruct.__class__"),
        ("_codecs", "lookup"),
        ("copy_reg", "_reconstructor"),
        ("vaentk.data.cifar", "read"),
    ],
)
@pytest.mark.parametrize("form", ["c{}\n{}\n.", "(i{}\n{}\n.", "stack"])
def test_every_other_global_is_refused(tmp_path: Path, module: str, name: str, form: str) -> None:
    stream = form.format(module, name).encode()
    if form == "stack":
        texts = [b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)]
        stream = b"\x80\x04" + b"".join(texts) + b"\x93."
    sentence = failure(attack(tmp_path, stream))
    assert f"which asks for '{module}.{name}' and could run a program: delete it" in sentence


@pytest.mark.parametrize(
    "stream",
    [
        b"Pnumber\n.",  # an object outside the stream
        b"\x82\x01.",  # a registered extension
        b"cnumpy\nndarray\nN}U\x0a__module__U\x01xs\x86b.",  # an attribute of an admitted class
        b"c_codecs\nencode\nN}U\x08__name__U\x01xs\x86b.",
        b"cnumpy\ndtype\n)R}U\x09__class__NsbU",
        b"",
        b"\x80\x02}q\x01(U\xffshort",
        b"\x80\x09.",
        b"I" + b"9" * 5000 + b"\n.",
        b"(" * 100_000,
        b"N.",
        b"].",
    ],
)
def test_odd_streams_are_one_sentence(tmp_path: Path, stream: bytes) -> None:
    before = dict(vars(cifar._Record))
    assert "holds 'cifar-10-batches-py/test_batch', which " in failure(attack(tmp_path, stream))
    assert dict(vars(cifar._Record)) == before


def test_admitted_globals_alone_make_no_array(tmp_path: Path) -> None:
    """A dtype of objects over bytes would make numpy follow any address."""
    forged = python2({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]})
    forged = forged.replace(b"U\x02u1", b"U\x02O8")
    assert "has no images of 3 x 32 x 32 bytes under 'data'" in failure(attack(tmp_path, forged))


def test_damaged_streams_are_one_sentence(tmp_path: Path) -> None:
    stream = python2(entries("cifar10")["cifar-10-batches-py/test_batch"])
    generator = np.random.default_rng(3)
    path = tmp_path / "a.tar.gz"
    harmless = 0
    for _ in range(40):
        content = bytearray(stream)
        # Nearly all of the file is pixels: the opcodes before and after them are what matters.
        place = int(generator.choice([*range(300), *range(len(stream) - 5, len(stream))]))
        content[place] = generator.integers(256)
        attack(tmp_path, bytes(content))
        try:
            images, _ = cifar.read(path, "cifar10", "test")
        except UserError:
            continue
        harmless += 1
        assert images.shape == (2, 3, 32, 32)
    assert harmless < 20


# Contents that do not fit


def changed(folder: Path, **fields: object) -> Path:
    files = entries("cifar10")
    files["cifar-10-batches-py/test_batch"] |= fields
    return pack(folder / "a.tar.gz", {name: python2(entry) for name, entry in files.items()})


PIXELS: NDArray[np.uint8] = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"data": PIXELS[:1]}, "has no 1 labels under 'labels'"),
        ({"labels": [1]}, "has no 2 labels under 'labels'"),
        ({"labels": "ab"}, "has no 2 labels under 'labels'"),
        ({"labels": [1, 10]}, "has a label that is none of 0..9"),
        ({"labels": [1, "2"]}, "has a label that is none of 0..9"),
        ({"data": PIXELS[:, 1:]}, "has no images of 3 x 32 x 32 bytes under 'data'"),
        ({"data": PIXELS.astype(np.int16)}, "has no images of 3 x 32 x 32 bytes under 'data'"),
        ({"data": "x" * 6144}, "has no images of 3 x 32 x 32 bytes under 'data'"),
        ({"data": []}, "has no images of 3 x 32 x 32 bytes under 'data'"),
    ],
)
def test_batch_that_does_not_fit(tmp_path: Path, fields: Entry, words: str) -> None:
    sentence = failure(changed(tmp_path, **fields))
    assert f"holds 'cifar-10-batches-py/test_batch', which {words}: delete it" in sentence


def test_pixels_of_another_length_than_the_shape(tmp_path: Path) -> None:
    stream = python2({"data": PIXELS, "labels": [0, 1]}).replace(
        b"K\x02M\x00\x0c", b"K\x03M\x00\x0c"
    )
    assert "has no images of 3 x 32 x 32 bytes" in failure(attack(tmp_path, stream))


def test_number_of_images_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path, "cifar10")
    monkeypatch.setitem(cifar.COUNTS, "test", 3)
    assert "holds 2 test images where 3 are expected" in failure(path)


def test_expected_numbers_are_the_official_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert cifar.COUNTS == {"train": 50_000, "test": 10_000}


def test_missing_member_is_named(tmp_path: Path) -> None:
    files = {name: python2(entry) for name, entry in entries("cifar10").items()}
    del files["cifar-10-batches-py/test_batch"]
    path = pack(tmp_path / "a.tar.gz", files)
    assert "has no member 'cifar-10-batches-py/test_batch': delete it" in failure(path)


def test_the_other_data_set_is_named_as_missing(tmp_path: Path) -> None:
    sentence = failure(small(tmp_path, "cifar10"), "cifar100", "train")
    assert "has no member 'cifar-100-python/train'" in sentence


def test_missing_and_damaged_archives(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=re.escape("absent.tar.gz is missing")):
        cifar.read(tmp_path / "absent.tar.gz", "cifar10", "train")
    path = small(tmp_path, "cifar10")
    path.write_bytes(path.read_bytes()[:-20])
    assert "cannot be unpacked" in failure(path)
