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


FAULTS: Final = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "your quota on that disk is used up; free some space and run again",
    errno.EROFS: "the file system can only be read; make it writable and run again",
    errno.EFBIG: "a limit (ulimit -f) allows no file so large; lift it and run again",
    errno.EACCES: "you have no permission; give it and run again",
    errno.EPERM: "you have no permission; give it and run again",
    errno.EIO: "the disk reports an error; check it and run again",
    errno.ESTALE: "the network file system has lost the file; mount it again and run again",
    errno.ENOTDIR: "a file stands where a folder is needed; move it away and run again",
    errno.EISDIR: "a folder stands where a file is needed; move it away and run again",
    errno.EEXIST: "a file stands where a folder is needed; move it away and run again",
    errno.ENOTEMPTY: "a folder stands where a file is needed; move it away and run again",
    errno.ENAMETOOLONG: "its name is too long; use a folder with a shorter one and run again",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n) and run again",
    errno.ENFILE: "too many files are open; raise the limit (ulimit -n) and run again",
    errno.ETIMEDOUT: "the disk gives no answer; check it and run again",
    errno.ENODEV: "the disk is gone; mount it and run again",
    errno.ENXIO: "the disk is gone; mount it and run again",
    errno.ELOOP: "its links lead in a circle; remove them and run again",
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
        return f"{error.strerror[0].lower()}{error.strerror[1:]}; mend that and run again"
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
