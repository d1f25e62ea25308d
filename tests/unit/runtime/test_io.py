"""Result files: whole or not at all, the same bytes twice, errors that name the file."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaentk.errors import FAULTS, UserError
from vaentk.runtime import io, records


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_tables_come_back_to_the_last_digit(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "value": [0.1 + 0.2, 1e-300], "count": [1, 2]})
    path = tmp_path / f"deep/down/table{ending}"
    io.write_table(frame, path)
    pd.testing.assert_frame_equal(io.read_table(path), frame, check_exact=True, check_dtype=False)


def test_arrays_come_back_with_their_note_and_the_same_bytes(tmp_path: Path) -> None:
    arrays = {"x": np.arange(6.0).reshape(2, 3).T, "labels": np.array([3, 1], dtype=np.uint8)}
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    io.write_arrays(arrays, first, note="step 3")
    io.write_arrays(dict(reversed(arrays.items())), second, note="step 3")
    assert first.read_bytes() == second.read_bytes()
    assert io.read_note(first) == "step 3"
    read = io.read_arrays(first)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


def test_blocks_make_the_file_that_the_whole_array_makes(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(256, size=(7, 3, 4, 4), dtype=np.uint8)
    ids, parts = np.arange(7), np.arange(7, dtype=np.uint8)
    path = tmp_path / "images.safetensors"
    blocks = iter([images[:3], images[3:3], images[3:]])
    io.write_blocks(blocks, images.shape, path, {"ids": ids, "parts": parts}, note="seven")
    assert io.read_note(path) == "seven"
    read = io.read_arrays(path)
    assert set(read) == {"ids", "parts", "images"}
    for name, array in {"images": images, "ids": ids, "parts": parts}.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype
    for name, tensor in io.map_tensors(path).items():
        np.testing.assert_array_equal(tensor.numpy(), read[name])


def test_blocks_of_another_size_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "images.safetensors"
    with pytest.raises(ValueError, match="do not make up an array of shape"):
        io.write_blocks([np.zeros((2, 4), np.uint8)], (3, 4), path, {})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    io.write_text("old", path)

    def fail() -> None:
        with io.whole(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_files_of_every_kind_have_the_permissions_that_umask_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: int
) -> None:
    """safetensors' own writer gives a file to its owner alone."""
    monkeypatch.setattr(io, "UMASK", mask)
    for name, write in WRITES.items():
        write(tmp_path / name)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o666 & ~mask, name


IMAGE = np.zeros((1, 4), np.uint8)

WRITES = {
    "a.txt": lambda path: io.write_text("text", path),
    "a.csv": lambda path: io.write_table(pd.DataFrame({"x": [1]}), path),
    "a.parquet": lambda path: io.write_table(pd.DataFrame({"x": [1]}), path),
    "a.safetensors": lambda path: io.write_arrays({"x": np.zeros(3)}, path),
    "blocks.safetensors": lambda path: io.write_blocks([IMAGE], IMAGE.shape, path, {}),
    "a.json": lambda path: records.write({"x": 1}, path),
}
"""Every way to write a result."""


@pytest.mark.parametrize("number", sorted(FAULTS), ids=errno.errorcode.get)
@pytest.mark.parametrize("name", WRITES)
def test_a_fault_of_storage_is_one_sentence_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    path = tmp_path / name
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(UserError) as raised:
        WRITES[name](path)
    assert str(raised.value) == f"{path}: {FAULTS[number]}"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
@pytest.mark.parametrize("name", WRITES)
def test_a_real_limit_of_the_system_is_one_sentence(tmp_path: Path, name: str) -> None:
    """A process that may write no byte: the fault comes from where each library writes."""
    script = f"""
import resource, signal
from pathlib import Path
from test_io import WRITES
from vaentk.errors import UserError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    WRITES[{name!r}](Path({str(tmp_path / name)!r}))
except UserError as error:
    print(error)
"""
    found = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        env=os.environ | {"PYTHONPATH": found},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{tmp_path / name}: {FAULTS[errno.EFBIG]}\n", done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.safetensors", "a.txt"])
def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.mkdir()
    read = {".safetensors": io.read_arrays, ".txt": io.read_text}.get(path.suffix, io.read_table)
    with pytest.raises(UserError, match=f"{name}: a folder stands where a file is needed"):
        read(path)


@pytest.mark.parametrize("name", WRITES)
def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "tables").write_text("")
    with pytest.raises(UserError, match="a file stands where a folder is needed; move it away"):
        WRITES[name](tmp_path / "tables" / name)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.safetensors"])
def test_missing_and_corrupt_files_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    read = io.read_arrays if path.suffix == ".safetensors" else io.read_table
    with pytest.raises(UserError, match=f"{name} is missing"):
        read(path)
    path.write_bytes(b"" if path.suffix == ".csv" else b"\x00nonsense")
    with pytest.raises(UserError, match=rf"{name} cannot be read \(.+\): delete it and run again"):
        read(path)


def test_checksum_is_the_published_one_of_the_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert io.checksum(path) == f"sha256:{empty}"
