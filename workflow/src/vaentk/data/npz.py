"""Arrays of an npz file, read in blocks and without pickle."""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vaentk.errors import UserError

# What zipfile and numpy raise on damaged bytes.
DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Member:
    """One array of an npz file, not read yet.

    Attributes
    ----------
    path : Path
        The npz file.
    name : str
        The array's key.
    shape : tuple of int
    dtype : numpy.dtype
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def blocks(self, size: int) -> Iterator[NDArray[Any]]:
        """Yield the array in blocks of `size` rows, the last one shorter; one pass over the file.

        Raises
        ------
        UserError
            If the file is damaged.
        """
        with _opened(self.path, self.name) as stream:
            _header(stream)
            for start in range(0, self.shape[0], size):
                yield self._next(stream, (min(size, self.shape[0] - start), *self.shape[1:]))

    def whole(self) -> NDArray[Any]:
        """Read the whole array.

        Raises
        ------
        UserError
            If the file is damaged.
        """
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
    """Keys of the arrays of an npz file.

    Raises
    ------
    UserError
        If the file is missing or is no npz file.
    """
    with _damage(path), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def member(path: Path, name: str) -> Member:
    """Find one array of an npz file.

    Raises
    ------
    UserError
        If the file is missing, damaged, lacks the array, or the array needs pickle or is stored by
        columns.
    """
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


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Word what is wrong with the file in one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path} is missing: put it there, or download it.") from None
    except DAMAGE as error:
        reason = (str(error) or "it ends early").splitlines()[0]
        raise UserError(
            f"{path} cannot be read as an npz file ({reason}): fetch it again."
        ) from error
