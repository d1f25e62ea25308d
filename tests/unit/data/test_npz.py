"""npz files: the arrays that numpy reads, in blocks, and every damage in one sentence."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy
from numpy.typing import NDArray

from vaentk.data import npz
from vaentk.errors import UserError

NOISE = np.random.default_rng(0)
ARRAYS: dict[str, NDArray[Any]] = {
    "images": NOISE.integers(0, 256, (7, 4, 3), dtype=np.uint8),
    "doubles": NOISE.normal(size=(5, 2)),
    "big_endian": np.arange(6, dtype=">i4"),
    "flags": np.array([[True, False], [False, False], [True, True]]),
    "words": np.array(["a", "bcd"]),
    "no_rows": np.empty((0, 3), np.int64),
    "no_columns": np.empty((7, 0), np.uint8),
}

Save = Callable[..., None]
savers = pytest.mark.parametrize("save", [np.savez, np.savez_compressed])


def stream(array: NDArray[Any], version: tuple[int, int] = (1, 0)) -> bytes:
    content = io.BytesIO()
    npy.write_array(content, array, version)
    return content.getvalue()


def pack(path: Path, content: bytes) -> Path:
    """Write an npz file with one array `x` of given bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
    return path


def failure(path: Path, name: str = "x") -> str:
    """Return the one sentence with which reading fails."""
    with pytest.raises(UserError) as caught:
        npz.member(path, name).whole()
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


# Reading


@savers
def test_arrays_are_those_of_numpy(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "a.npz", **ARRAYS)
    with np.load(tmp_path / "a.npz") as theirs:
        assert npz.names(tmp_path / "a.npz") == theirs.files == list(ARRAYS)
        for name in theirs.files:
            ours = npz.member(tmp_path / "a.npz", name)
            assert (ours.path, ours.name) == (tmp_path / "a.npz", name)
            assert ours.shape == theirs[name].shape
            assert ours.dtype == theirs[name].dtype
            assert ours.whole().dtype == theirs[name].dtype
            np.testing.assert_array_equal(ours.whole(), theirs[name], strict=True)


@savers
@pytest.mark.parametrize("size", [1, 3, 7, 10])
def test_blocks_are_the_array_in_rows(tmp_path: Path, save: Save, size: int) -> None:
    save(tmp_path / "a.npz", **ARRAYS)
    for name, array in ARRAYS.items():
        blocks = list(npz.member(tmp_path / "a.npz", name).blocks(size))
        starts = range(0, len(array), size)
        assert [len(block) for block in blocks] == [min(size, len(array) - s) for s in starts]
        for start, block in zip(starts, blocks, strict=True):
            np.testing.assert_array_equal(block, array[start : start + size], strict=True)


def test_blocks_can_be_read_twice(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=ARRAYS["images"])
    images = npz.member(tmp_path / "a.npz", "images")
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate(list(images.blocks(2))), ARRAYS["images"])


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format(tmp_path: Path, version: tuple[int, int]) -> None:
    path = pack(tmp_path / "a.npz", stream(ARRAYS["images"], version))
    np.testing.assert_array_equal(npz.member(path, "x").whole(), ARRAYS["images"])


def test_a_single_number_is_an_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.float64(2.5))
    np.testing.assert_array_equal(npz.member(tmp_path / "a.npz", "x").whole(), np.array(2.5))


def test_other_files_in_the_archive_are_no_arrays(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.npz", stream(ARRAYS["images"]))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", b"words")
    assert npz.names(path) == ["x"]


def test_a_block_is_all_that_is_in_memory(tmp_path: Path) -> None:
    """16 MiB in blocks of 64 KiB take less than 1 MiB."""
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((4096, 4096), np.uint8))
    x = npz.member(tmp_path / "a.npz", "x")
    tracemalloc.start()
    try:
        assert sum(len(block) for block in x.blocks(16)) == 4096
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


# What is refused


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "absent.npz"
    assert failure(path) == f"{path} is missing: put it there, or download it."
    with pytest.raises(UserError, match=r"absent\.npz is missing"):
        npz.names(path)


def test_missing_array_is_told_with_those_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.zeros(1), two=np.zeros(1))
    assert "lacks the array x: its arrays are one, two." in failure(tmp_path / "a.npz")


def test_pickled_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    assert "x of " in (sentence := failure(tmp_path / "a.npz"))
    assert sentence.endswith("is pickled, and pickles are not loaded.")


def test_array_stored_by_columns(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.asfortranarray(ARRAYS["images"]))
    assert failure(tmp_path / "a.npz").endswith("is stored by columns: save it by rows.")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"], ids=["empty", "page"])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    sentence = failure(path)
    assert sentence.startswith(f"{path} cannot be read as an npz file (")
    assert sentence.endswith("): fetch it again.")
    with pytest.raises(UserError, match="cannot be read as an npz file"):
        npz.names(path)


@savers
def test_truncated_file(tmp_path: Path, save: Save) -> None:
    path = tmp_path / "a.npz"
    save(path, x=ARRAYS["images"])
    path.write_bytes(path.read_bytes()[:-30])
    assert failure(path).endswith("fetch it again.")


@savers
def test_flipped_pixel(tmp_path: Path, save: Save) -> None:
    path = tmp_path / "a.npz"
    save(path, x=NOISE.integers(0, 256, 50_000, dtype=np.uint8))
    content = bytearray(path.read_bytes())
    content[40_000] ^= 1
    path.write_bytes(content)
    assert failure(path).endswith("fetch it again.")
    with pytest.raises(UserError, match="cannot be read as an npz file"):
        list(npz.member(path, "x").blocks(500))


def test_flipped_bit_of_a_head(tmp_path: Path) -> None:
    """A bracket of the shape becomes an 8, in an array too long to be checked with its head."""
    path = tmp_path / "a.npz"
    np.savez(path, x=np.zeros(50_000, np.uint8))
    path.write_bytes(path.read_bytes().replace(b"'shape': (", b"'shape': 8"))
    assert failure(path).endswith("fetch it again.")


@pytest.mark.parametrize(
    ("signature", "place", "field"),
    [
        pytest.param(b"PK\1\2", 8, b"\1\0", id="encrypted"),
        pytest.param(b"PK\1\2", 10, b"\4\0", id="unknown-method"),
        pytest.param(b"PK\3\4", 28, b"\xff\xff", id="no-content"),
    ],
)
def test_damaged_fields_of_the_zip(
    tmp_path: Path, signature: bytes, place: int, field: bytes
) -> None:
    path = pack(tmp_path / "a.npz", stream(ARRAYS["images"]))
    content = bytearray(path.read_bytes())
    start = content.index(signature) + place
    content[start : start + 2] = field
    path.write_bytes(content)
    assert failure(path).endswith("fetch it again.")


def test_fewer_numbers_than_announced(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.npz", stream(ARRAYS["images"])[:-1])
    assert "(x ends early): fetch it again." in failure(path)
    blocks = npz.member(path, "x").blocks(2)
    assert len([next(blocks) for _ in range(3)]) == 3
    with pytest.raises(UserError, match="x ends early"):
        next(blocks)


@pytest.mark.parametrize("shape", [(10**11,), (2**62, 4)])
def test_more_numbers_announced_than_a_machine_holds(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    head = io.BytesIO()
    npy.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    assert failure(pack(tmp_path / "a.npz", head.getvalue())).endswith("fetch it again.")


def test_no_npy_stream(tmp_path: Path) -> None:
    assert failure(pack(tmp_path / "a.npz", b"words")).endswith("fetch it again.")
