"""The one exception for what a user can mend, and the words for what a file system refuses."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final


class UserError(Exception):
    """A mistake or a circumstance that the user can mend.

    The message is one sentence that names the key or the file and says what to do. Scripts and
    command lines print it without a traceback and exit with status 1.
    """


AGAIN: Final = "and run again"

FAULTS: Final = {
    errno.ENOSPC: f"the disk is full; free some space {AGAIN}",
    errno.EDQUOT: f"your quota on that disk is used up; free some space {AGAIN}",
    errno.EROFS: f"the file system can only be read; make it writable {AGAIN}",
    errno.EFBIG: f"the file system or a limit (ulimit -f) allows no file so large; lift it {AGAIN}",
    errno.EACCES: f"you have no permission; give it {AGAIN}",
    errno.EPERM: f"you have no permission; give it {AGAIN}",
    errno.EIO: f"the disk reports an error; check it {AGAIN}",
    errno.ESTALE: f"the network file system has lost the file; mount it again {AGAIN}",
    errno.ENOTDIR: f"a file stands where a folder is needed; move it away {AGAIN}",
    errno.EISDIR: f"a folder stands where a file is needed; move it away {AGAIN}",
    errno.EEXIST: f"a file stands where a folder is needed; move it away {AGAIN}",
    errno.ENOTEMPTY: f"a folder stands where a file is needed; move it away {AGAIN}",
    errno.ENAMETOOLONG: f"its name is too long for the file system; use a shorter folder {AGAIN}",
    errno.EMFILE: f"too many files are open; raise the limit (ulimit -n) {AGAIN}",
    errno.ENFILE: f"too many files are open; raise the limit (ulimit -n) {AGAIN}",
    errno.ETIMEDOUT: f"the disk gives no answer; check it {AGAIN}",
    errno.ENODEV: f"the disk is gone; mount it {AGAIN}",
    errno.ENXIO: f"the disk is gone; mount it {AGAIN}",
    errno.ELOOP: f"its links lead in a circle; remove them {AGAIN}",
}
"""What a file system refuses, by its number, and what to do."""

NUMBER: Final = re.compile(r"\b(?:os error|errno) (\d+)", re.IGNORECASE)
"""How libraries write the number of a fault into their own errors."""


def storage_fault(error: BaseException) -> str | None:
    """Word in half a sentence what a file system refused; None where the error tells of no such.

    A fault that has no words of its own is worded as the system does.
    """
    number = getattr(error, "errno", None)
    if number is None and (written := NUMBER.search(str(error))):
        number = int(written[1])
    if number is None:
        return ("No space left" in str(error) and FAULTS[errno.ENOSPC]) or None
    if number in FAULTS:
        return FAULTS[number]
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror[0].lower()}{error.strerror[1:]}; mend that {AGAIN}"
    return None


@contextmanager
def stored(path: Path) -> Iterator[None]:
    """Turn what a file system refuses in the block into a `UserError` that names the file."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        fault = storage_fault(error)
        if fault is None:
            raise
        raise UserError(f"{path}: {fault}") from error
