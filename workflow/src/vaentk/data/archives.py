"""Archives read in memory: members of a zip or gzipped tar file, all checked, none unpacked."""

import contextlib
import gzip
import io
import re
import stat
import struct
import tarfile
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final, Self

from vaentk.errors import UserError

ENCRYPTED: Final = 0x41  # bits of a zip member's flags: encrypted, strongly encrypted
LARGEST_EXTENSION: Final = 1 << 20  # bytes that a tar archive may spend on one long name or comment
CHUNK: Final = 1 << 20
UNSAFE: Final = re.compile(r"^/|^[A-Za-z]:|[\\\0]")  # absolute, on a drive, with \ or a zero byte
NO_FILE: Final = "which is neither a plain file nor a folder"

# What zipfile, tarfile, the decompressors and numpy raise on damaged bytes.
DAMAGE: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    tokenize.TokenError,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def members(
    path: Path, wanted: re.Pattern[str], largest: int, total: int
) -> Iterator[tuple[str, bytes]]:
    """Read the wanted files of a gzipped tar archive in one pass, in its order.

    The checksum stands at the archive's end: only a caller who takes all files knows that they are
    whole. Those that macOS adds (``._name``, ``__MACOSX``) are passed over. A name that leaves its
    folder, a link or a device is refused wherever it stands.

    Parameters
    ----------
    wanted : re.Pattern
        Pattern that the whole name of a file matches.
    largest, total : int
        Bytes that one wanted file, and all of them together, may have unpacked.

    Yields
    ------
    name : str
        With "/" between folders.
    content : bytes
    """
    spent = 0
    with (
        damage(path),
        gzip.open(path) as stream,
        tarfile.open(
            fileobj=_Endless(stream), mode="r|", tarinfo=_Header, encoding="utf-8"
        ) as archive,
    ):
        for header in archive:
            name = header.name
            _check_name(path, name)
            if not (header.isreg() or header.isdir()) or header.issparse():
                raise _refusal(path, name, NO_FILE)
            if header.isdir() or not _is_wanted(name, wanted):
                continue
            spent = _spend(path, name, header.size, largest, spent, total)
            with damage(path, f"cannot be unpacked at {name!r}"):
                member = archive.extractfile(header)
                assert member is not None, "a plain file has content"
                content = _whole(member, header.size)
            yield name, content
        # A gzip file ends with its checksum, which is compared when the end is reached.
        while stream.read(CHUNK):
            pass


def named(path: Path, names: Sequence[str], largest: int, total: int) -> dict[str, bytes]:
    """Read these files of a gzipped tar archive, as `members` does; none may be missing."""
    wanted = re.compile("|".join(map(re.escape, names)))
    contents = dict(members(path, wanted, largest, total))
    for name in names:
        if name not in contents:
            raise UserError(f"{path} has no member {name!r}: delete it and run again.")
    return {name: contents[name] for name in names}


class Zip:
    """Wanted files of a zip archive by name, for one or several threads; a context manager.

    A forked process must open the archive again: two would move one place in the file. Parameters
    are those of `members`; all members are checked at once, from the directory of the archive, and
    encrypted ones are refused too.

    Attributes
    ----------
    names : list of str
        Names of the wanted files, sorted.
    """

    def __init__(self, path: Path, wanted: re.Pattern[str], largest: int, total: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        with damage(path), contextlib.ExitStack() as stack:
            self._archive = stack.enter_context(zipfile.ZipFile(path))
            self._files = _zip_files(path, self._archive, wanted)
            spent = 0
            for name, info in self._files.items():
                spent = _spend(path, name, info.file_size, largest, spent, total)
            self._open = stack.pop_all()
        self.names = sorted(self._files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def read(self, name: str) -> bytes:
        """Content of one of `names`, checked against its announced size and checksum."""
        info = self._files[name]
        unpacking = damage(self._path, f"cannot be unpacked at {name!r}")
        with unpacking, self._lock, self._archive.open(info) as stream:
            return _whole(stream, info.file_size)


def _zip_files(
    path: Path, archive: zipfile.ZipFile, wanted: re.Pattern[str]
) -> dict[str, zipfile.ZipInfo]:
    """Wanted files of a zip archive, after a look at every member."""
    files = {}
    for info in archive.infolist():
        # zipfile shortens a name at a zero byte: the original is checked.
        _check_name(path, info.orig_filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refusal(path, info.filename, NO_FILE)
        if info.flag_bits & ENCRYPTED:
            raise _refusal(path, info.filename, "which is encrypted")
        if info.is_dir() or kind == stat.S_IFDIR or not _is_wanted(info.filename, wanted):
            continue
        # zipfile unpacks the other methods without a bound on the memory.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refusal(path, info.filename, "which is neither stored nor deflated")
        files[info.filename] = info
    return files


class _Header(tarfile.TarInfo):
    """Header of a tar member, of which a bad one is an error wherever it stands."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """Read the next header; to tarfile itself any bad header but the first is the end."""
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"bad header of a member: {error}") from error

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Refuse long names and comments without a bound, which tarfile would read at once."""
        header = super().frombuf(buf, encoding, errors)
        plain = header.isreg() or header.isdir()
        if header.size < 0 or (header.size > LARGEST_EXTENSION and not plain):
            raise tarfile.ReadError(f"a header announces {header.size} bytes")
        return header


class _Endless(io.BufferedIOBase):
    """A tar archive's bytes, of which tarfile asks for more than there are only if some lack.

    It would go on asking for all that a header announces.
    """

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream

    def read(self, size: int | None = -1, /) -> bytes:
        """Next bytes, at least one."""
        content = self._stream.read(size)
        if not content:
            raise EOFError("it ends before its end mark")
        return content


def _is_wanted(name: str, wanted: re.Pattern[str]) -> bool:
    """Whether a file is asked for and is none of those that macOS adds."""
    added = any(part == "__MACOSX" or part.startswith("._") for part in name.split("/"))
    return not added and wanted.fullmatch(name) is not None


def _check_name(path: Path, name: str) -> None:
    """Refuse a name that could lead out of the archive's folder."""
    if UNSAFE.search(name) or ".." in name.split("/"):
        raise _refusal(path, name, "whose name leads out of its folder")


def _spend(path: Path, name: str, size: int, largest: int, spent: int, total: int) -> int:
    """Bytes spent with this file of `size` bytes, if it may have so many."""
    if size > largest:
        raise _refusal(path, name, f"which has {size} bytes where at most {largest} are expected")
    if spent + size > total:
        raise _refusal(path, name, f"with which its files have more than {total} bytes")
    return spent + size


def _whole(stream: IO[bytes], announced: int) -> bytes:
    """Content of a file that has the announced number of bytes."""
    # One byte more than announced shows whether the file is longer.
    content = stream.read(announced + 1)
    if len(content) != announced:
        raise EOFError(f"{announced} bytes are announced and {len(content)} are there")
    return content


def _refusal(path: Path, name: str, why: str) -> UserError:
    return UserError(f"{path} holds {name!r}, {why}: delete it and run again.")


@contextlib.contextmanager
def damage(
    path: Path,
    fault: str = "cannot be unpacked",
    remedy: str = "delete it and run again",
    missing: str = "download it and run again",
) -> Iterator[None]:
    """Turn what the readers of archives raise into one sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: {missing}.") from error
    except DAMAGE as error:
        reason = (str(error) or "it ends early").splitlines()[0]
        raise UserError(f"{path} {fault} ({reason}): {remedy}.") from error
