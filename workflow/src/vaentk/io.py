"""The only place that touches result files: written whole or not at all, read with clear errors."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from vaentk.errors import UserError

Arrays = dict[str, NDArray[Any]]


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` that becomes ``path`` when the block succeeds.

    Raises
    ------
    UserError
        When the disk is full; nothing is left behind under either name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
            raise UserError(f"{path}: the disk is full; free some space and run again") from None
        raise
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def write_text(text: str, path: Path) -> None:
    """Write UTF-8 text."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(value: object, path: Path) -> None:
    """Write JSON with sorted keys."""
    write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", path)


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
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run the rule that makes it") from None
    except (SafetensorError, ValueError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read ({reason}): delete it and run again") from None
