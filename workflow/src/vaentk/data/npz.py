"""Arrays of an npz file, read in blocks and without pickle."""

import math
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vaentk.data.archives import damage
from vaentk.errors import UserError


@dataclass(frozen=True)
class Member:
    """One array of an npz file by its key, not read yet."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def blocks(self, size: int) -> Iterator[NDArray[Any]]:
        """Yield the array in blocks of `size` rows, the last one shorter, in one pass."""
        with _opened(self.path, self.name) as stream:
            _header(stream)
            for start in range(0, self.shape[0], size):
                yield self._next(stream, (min(size, self.shape[0] - start), *self.shape[1:]))

    def whole(self) -> NDArray[Any]:
        """Read the whole array."""
        with _opened(self.path, self.name) as stream:
            _header(stream)
            return self._next(stream, self.shape)

    def _next(self, stream: IO[bytes], shape: tuple[int, ...]) -> NDArray[Any]:
        """Read an array of some shape from where the stream is."""
        wanted = math.prod(shape) * self.dtype.itemsize
        content = stream.read(wanted)
        if len(content) != wanted:
            raise EOFError(f"{self.name} ends early")
        return np.frombuffer(content, self.dtype).reshape(shape)


def names(path: Path) -> list[str]:
    """Keys of the arrays of an npz file."""
    with _damage(path), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def member(path: Path, name: str) -> Member:
    """Find one array of an npz file; one that needs pickle or is stored by columns is refused."""
    known = names(path)
    if name not in known:
        raise UserError(f"{path} lacks the array {name}: its arrays are {', '.join(known)}.")
    with _opened(path, name) as stream:
        shape, by_columns, dtype = _header(stream)
    if dtype.hasobject:
        raise UserError(f"The array {name} of {path} is pickled, and pickles are not loaded.")
    if by_columns and len(shape) > 1:
        raise UserError(f"The array {name} of {path} is stored by columns: save it by rows.")
    return Member(path, name, shape, dtype)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the head of an npy stream: shape, whether stored by columns, dtype."""
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    return tuple(map(int, shape)), bool(by_columns), dtype


@contextmanager
def _opened(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open one array of an npz file as a stream."""
    with _damage(path), zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        yield stream


def _damage(path: Path) -> AbstractContextManager[None]:
    return damage(
        path, "cannot be read as an npz file", "fetch it again", "put it there, or download it"
    )
