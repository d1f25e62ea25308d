"""What a shell, a machine or a folder brings along: set aside, or refused before any job starts."""

import json
import os
import platform
import re
import signal
import time
from collections.abc import Iterable, MutableMapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

import psutil

from vaentk.errors import UserError, stored

SET_ASIDE: Final = ("MPLBACKEND", "MATPLOTLIBRC", "PYTHONWARNINGS", "PYTHONOPTIMIZE")
"""Variables for a person's own programs, which would change or break ours."""

UNQUOTED: Final = re.compile(r"[\s{}'\"$`\\]")
"""What a path must not have: Snakemake puts it into a shell's command as it is."""

LOCKS, RUN = Path(".snakemake/locks"), Path(".snakemake/vaentk-run.json")
"""Snakemake's locks of a folder, and the run that has them."""

SKEW: Final = 300
"""Seconds by which clocks of two machines may differ."""

FOLDERS: Final = ("data", "train", "measure", "figures", "tables", "claims", "report", "logs")
"""What a run makes in ``results``."""


def set_aside(environment: MutableMapping[str, str]) -> None:
    """Remove from an environment, which jobs inherit, what is not for them."""
    for name in SET_ASIDE:
        environment.pop(name, None)


def refuse(
    root: Path, interpreter: Path, arguments: Sequence[str], sources: Iterable[Path]
) -> None:
    """Refuse what would fail later, or be passed over.

    Parameters
    ----------
    root
        The folder that the workflow runs in.
    interpreter
        The Python that jobs are started with.
    arguments
        Command line of Snakemake.
    sources
        Files of the workflow that jobs depend on.

    Raises
    ------
    UserError
        One sentence, for the first of these: a path that no shell takes as it is, an option given
        twice, a file where results have a folder, a source that is dated in the future.
    """
    for path in (root, interpreter):
        if found := UNQUOTED.search(str(path)):
            raise UserError(
                f"the path {path} has the character {found[0]!r}, which Snakemake does not quote: "
                "move the folder to a path without it, and run make again"
            )
    if arguments.count("--configfile") + arguments.count("--configfiles") > 1:
        raise UserError(
            "--configfile is given twice, and Snakemake reads the last one alone: "
            "name all files after one --configfile"
        )
    results = root / "results"
    for folder in (results, *(results / name for name in FOLDERS)):
        if folder.exists() and not folder.is_dir():
            raise UserError(
                f"{folder} is a file where results have a folder: move it away and run again"
            )
    for path in sources:
        ahead = path.stat().st_mtime - time.time()
        if ahead > SKEW:
            raise UserError(
                f"{path} is dated {ahead / 3600:.1f} hours in the future, so that results would be "
                "made again and again: set the clock, or touch the file"
            )


def remember_run(folder: Path) -> None:
    """Write which process works in a folder, so that a killed one can be told from a live one."""
    own = {"host": platform.node(), "pid": os.getpid(), "since": psutil.Process().create_time()}
    with stored(folder / RUN):
        (folder / RUN).parent.mkdir(exist_ok=True)
        (folder / RUN).write_text(json.dumps(own), encoding="utf-8")


def was_killed(folder: Path) -> bool:
    """Say whether a folder is locked by a run of this machine that is no more."""
    if not any((folder / LOCKS).glob("*")):
        return False
    try:
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
        if run["host"] != platform.node():
            return False
        process = psutil.Process(run["pid"])
        same = process.create_time() == run["since"]
        return not same or process.status() == psutil.STATUS_ZOMBIE  # dead, and not yet buried
    except psutil.NoSuchProcess:
        return True
    except (OSError, ValueError, LookupError, TypeError):
        return False


def stop_on_request() -> None:
    """Make SIGTERM end Snakemake and its jobs at once, as Ctrl-C in a terminal does.

    Snakemake itself waits for jobs that run; ours resume from their checkpoints.
    """
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    for job in psutil.Process().children(recursive=True):
        job.terminate()
    signal.default_int_handler(number, frame)
