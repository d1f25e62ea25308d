"""Archives read in memory: members of a zip or tar file, checked, and never laid on the disk."""

import contextlib
import gzip
import io
import re
import stat
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Self

from vaentk.errors import UserError

ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")  # the first member; the end of an empty archive
GZIP_START: Final = b"\x1f\x8b"
ENCRYPTED: Final = 0x41  # bits of a zip member's flags: encrypted, strongly encrypted
LARGEST_EXTENSION: Final = 1 << 20  # bytes that a tar archive may spend on one long name or comment
CHUNK: Final = 1 << 20
UNSAFE: Final = re.compile(r"^/|^[A-Za-z]:|[\\\0]")  # absolute, on a drive, with \ or a zero byte
NO_FILE: Final = "which is neither a plain file nor a folder"

# What zipfile, tarfile and the decompressors raise on damaged bytes.
DAMAGE: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RuntimeError,
)


def members(
    path: Path, wanted: re.Pattern[str], largest: int, total: int
) -> Iterator[tuple[str, bytes]]:
    """Read the wanted files of an archive, one after another.

    A tar archive is read in one pass, and the checksum of its compression stands at its end: only
    a caller who takes all members knows that they are whole. Files that macOS adds (``._name``,
    ``__MACOSX``) are passed over.

    Parameters
    ----------
    path : Path
        A zip, tar or gzipped tar archive, known by its first bytes and not by its name.
    wanted : re.Pattern
        Pattern that the whole name of a file matches.
    largest, total : int
        Bytes that one wanted file, and all of them together, may have unpacked.

    Yields
    ------
    name : str
        As the archive has it, with "/" between folders.
    content : bytes
        Files come in the order of a tar archive, or sorted by name from a zip archive.

    Raises
    ------
    UserError
        If the archive is missing, damaged or of another kind, holds a name that leaves its folder,
        a link, a device or anything encrypted, or is larger than allowed.
    """
    with _damage(path), path.open("rb") as stream:
        start = stream.read(4)
    if start in ZIP_STARTS:
        with Zip(path, wanted, largest, total) as archive:
            for name in archive.names:
                yield name, archive.read(name)
    else:
        yield from _tar_members(path, start, wanted, largest, total)


class Zip:
    """Wanted files of a zip archive by name, for one or several threads; a context manager.

    A forked process must open the archive again: two would move one place in the file.

    Parameters
    ----------
    path, wanted, largest, total
        As of `members`. All members are checked at once, from the directory of the archive.

    Attributes
    ----------
    names : list of str
        Names of the wanted files, sorted.

    Raises
    ------
    UserError
        As `members`.
    """

    def __init__(self, path: Path, wanted: re.Pattern[str], largest: int, total: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        with _damage(path), contextlib.ExitStack() as stack:
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
        """Content of one of `names`, checked against its announced size and checksum.

        Raises
        ------
        UserError
            If its bytes are damaged.
        """
        info = self._files[name]
        with _damage(self._path, name), self._lock, self._archive.open(info) as stream:
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
    """A tar archive's bytes, of which tarfile asks for more than there are only if some lack."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream

    def read(self, size: int | None = -1, /) -> bytes:
        """Next bytes, at least one."""
        content = self._stream.read(size)
        if not content:
            raise EOFError("it ends before its end mark")
        return content


def _tar_members(
    path: Path, start: bytes, wanted: re.Pattern[str], largest: int, total: int
) -> Iterator[tuple[str, bytes]]:
    """Wanted files of a tar archive in one pass over all of its bytes."""
    spent = 0
    packed = start.startswith(GZIP_START)
    with (
        _damage(path),
        gzip.open(path) if packed else path.open("rb") as stream,
        _open_tar(path, stream) as archive,
    ):
        for header in archive:
            name = header.name
            _check_name(path, name)
            if not (header.isreg() or header.isdir()) or header.issparse():
                raise _refusal(path, name, NO_FILE)
            if header.isdir() or not _is_wanted(name, wanted):
                continue
            spent = _spend(path, name, header.size, largest, spent, total)
            with _damage(path, name):
                member = archive.extractfile(header)
                assert member is not None, "a plain file has content"
                content = _whole(member, header.size)
            yield name, content
        # A gzip file ends with its checksum, which is compared when the end is reached.
        while stream.read(CHUNK):
            pass


def _open_tar(path: Path, stream: io.BufferedIOBase) -> tarfile.TarFile:
    """Tar archive to be read once from the front."""
    try:
        return tarfile.open(fileobj=_Endless(stream), mode="r|", tarinfo=_Header, encoding="utf-8")
    except (tarfile.TarError, EOFError) as error:
        raise UserError(
            f"{path} is neither a zip nor a tar archive, or is damaged at its beginning "
            f"({error}): delete it and run again."
        ) from error


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
def _damage(path: Path, name: str | None = None) -> Iterator[None]:
    """Turn what the readers of archives raise into one sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: download it and run again.") from error
    except DAMAGE as error:
        where = f"{path} cannot be unpacked" + (f" at {name!r}" if name is not None else "")
        raise UserError(f"{where} ({error}): delete it and run again.") from error
