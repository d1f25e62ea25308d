"""The only place that touches result files: written whole or not at all, read with clear errors."""

import errno
import hashlib
import json
import math
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from vaentk.errors import UserError, storage_fault, stored

if TYPE_CHECKING:
    from torch import Tensor

Arrays = dict[str, NDArray[Any]]

UMASK = os.umask(0)
os.umask(UMASK)

SAFETENSORS = {"int64": "I64", "float64": "F64", "float32": "F32", "uint8": "U8", "bool": "BOOL"}
"""The format's names of the types that results have."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` that becomes ``path`` when the block succeeds.

    Raises
    ------
    UserError
        When the file system refuses it; what was there under the name stays, and nothing else.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with stored(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.chmod(0o666 & ~UMASK)  # safetensors' writer gives a file to its owner alone
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink()


def write_text(text: str, path: Path) -> None:
    """Write UTF-8 text."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or parquet, by the ending of ``path``; floats keep all their digits."""
    with whole(path) as temporary:
        if path.suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            frame.to_csv(temporary, index=False)


def write_arrays(arrays: Mapping[str, NDArray[Any]], path: Path, note: str = "") -> None:
    """Write named arrays as safetensors, with one line of metadata."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with whole(path) as temporary:
        save_file(contiguous, temporary, metadata={"note": note})


def write_blocks(
    blocks: Iterable[NDArray[np.uint8]],
    shape: tuple[int, ...],
    path: Path,
    others: Mapping[str, NDArray[Any]],
    note: str = "",
) -> None:
    """Write images as safetensors block by block, so that they need never be in memory together.

    Blocks are consecutive rows of the array ``images``, uint8, of a shape in all; small others go
    into the same file, with one line of metadata.
    """
    head: dict[str, Any] = {"__metadata__": {"note": note}}
    kept = {name: np.ascontiguousarray(array) for name, array in others.items()}
    end = 0
    for name, dims, kind, size in (
        *((n, a.shape, SAFETENSORS[a.dtype.name], a.nbytes) for n, a in kept.items()),
        ("images", shape, "U8", math.prod(shape)),
    ):
        head[name] = {"dtype": kind, "shape": dims, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with whole(path) as temporary, temporary.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in kept.values():
            file.write(array.data)
        for block in blocks:
            file.write(np.ascontiguousarray(block).data)
        if file.tell() != 8 + len(text) + end:
            raise ValueError(f"{path}: the blocks do not make up an array of shape {shape}")


def read_text(path: Path) -> str:
    """Read UTF-8 text."""
    with _readable(path):
        return path.read_text(encoding="utf-8")


def read_table(path: Path, *, as_text: bool = False) -> pd.DataFrame:
    """Read a CSV or parquet table; ``as_text`` keeps every cell of a CSV as it is written."""
    with _readable(path):
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if as_text:
            return pd.read_csv(path, dtype=str, keep_default_na=False)
        return pd.read_csv(path)


def read_arrays(path: Path, under: str = "") -> Arrays:
    """Read the arrays of a safetensors file, all or those under ``"<under>/"``, without that."""
    with _readable(path):
        arrays = load_file(path)
    prefix = f"{under}/" if under else ""
    return {k.removeprefix(prefix): array for k, array in arrays.items() if k.startswith(prefix)}


def map_tensors(path: Path) -> "dict[str, Tensor]":
    """Map the tensors of a safetensors file into memory: pages are read when they are used."""
    with _readable(path), safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def read_note(path: Path) -> str:
    """Read the line of metadata of a safetensors file."""
    with _readable(path), safe_open(path, framework="numpy") as file:
        return str((file.metadata() or {}).get("note", ""))


def checksum(path: Path) -> str:
    """Return ``sha256:<hex>`` of a file."""
    with _readable(path), path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Word what goes wrong while a file is read: damage makes its reader raise whatever it will."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        yield
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run the rule that makes it") from None
    except MemoryError:
        raise
    except Exception as error:
        if fault := storage_fault(error):
            raise UserError(f"{path}: {fault}") from None
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"{path} cannot be read ({reason}): delete it and run again") from None
