"""The record beside every result: what it was made of, and checksums, which every reader checks.

``results/x.csv`` has ``results/x.csv.json``. It holds the name and the checksum of the result, the
checksums of its inputs and one of its own text, and it is JSON in one form only: a byte that
changes in either file is noticed, and so is a result that was made of another input than the one
that is there now.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from vaentk.errors import UserError
from vaentk.runtime import io

ENDING: Final = ".json"
"""A result's record lies beside it under its name with this ending."""

OWN: Final = "checksum"
"""Key of the checksum of all else in a record."""

Read = Callable[[Path], dict[str, Any]]


def beside(result: Path) -> Path:
    """Name the record of a result."""
    return result.with_name(f"{result.name}{ENDING}")


def write(record: Mapping[str, Any], path: Path) -> None:
    """Write a record, plain data, with its own checksum."""
    io.write_text(_text({**record, OWN: _checksum(record)}), path)


def read(path: Path) -> dict[str, Any]:
    """Read a record; one that is not to the byte what was written is a `UserError`."""
    text = io.read_text(path)
    try:
        record: dict[str, Any] = json.loads(text)
        own = record.pop(OWN)
        intact = own == _checksum(record) and text == _text({**record, OWN: own})
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        intact = False
    if not intact:
        raise UserError(f"{path} is damaged, or of another version: delete it and run again")
    return record


def seal(result: Path, name: str, record: Mapping[str, Any]) -> None:
    """Write the record of a result that is there, whole, under the name that the workflow has."""
    write({**record, "result": {name: io.checksum(result)}}, beside(result))


def checked(paths: Iterable[Path]) -> dict[Path, str]:
    """Check files, and give the checksum of each: results that have a record, and such records.

    A file without a record, as one of settings, is taken as it is. Where the inputs of a result
    have records too, they are still those that it was made of.

    Raises
    ------
    UserError
        One sentence, where a result is not what was written, or was made of another input than the
        one that is there.
    """
    known = cache(read)
    return {path: _checked(path, known) for path in paths}


def _checked(path: Path, known: Read) -> str:
    found, own = io.checksum(path), beside(path)
    if own.exists():
        record = known(own)
        [(name, written)] = record["result"].items()
        if written != found:
            raise UserError(
                f"{path} is not what was written, says its checksum in {own}: "
                "delete it and run again"
            )
        _made_of_what_is_there(path, name, record, known)
    elif path.suffix == ENDING and path.with_suffix("").suffix:
        record = known(path)
        [name] = record["result"]
        _made_of_what_is_there(path.with_suffix(""), name, record, known)
    return found


def _made_of_what_is_there(result: Path, name: str, record: Mapping[str, Any], known: Read) -> None:
    """Refuse a result that is another one, or was made of another input than is there now."""
    stage = name.removeprefix("results/")
    folder = str(result).removesuffix(stage)
    if folder == str(result):
        raise UserError(f"{result} is a copy of {name}: delete it and run again")
    for source, was in record["inputs"].items():
        inside = source.removeprefix("results/")
        own = beside(Path(folder + inside))
        if inside != source and own.exists() and was not in known(own)["result"].values():
            raise UserError(
                f"{result} was made of another {source} than the one that is there: "
                f"delete {result} and run again"
            )


def _checksum(record: Mapping[str, Any]) -> str:
    return f"sha256:{hashlib.sha256(_text(record).encode()).hexdigest()}"


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=2, sort_keys=True) + "\n"
