"""Processes of a training job, a core each."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaentk.errors import UserError
from vaentk.runtime.devices import one_thread
from vaentk.runtime.job import start_log

Spread = Callable[..., list[Any]]
"""Map of a function over sequences of arguments, like `map`, as a list."""


@contextmanager
def workers(processes: int, log_file: Path) -> Iterator[Spread]:
    """Give a map over arguments, in worker processes with a log, or here when one is enough."""
    if processes == 1:
        yield in_turn
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (log_file,)) as executor:

        def spread(function: Callable[..., Any], *arguments: Sequence[Any]) -> list[Any]:
            try:
                return list(executor.map(function, *arguments))
            except BrokenProcessPool:
                raise UserError(
                    "a training process was killed, perhaps for memory: run again (it resumes from "
                    "its checkpoint) with fewer --cores or smaller widths"
                ) from None

        try:
            yield spread
        except BaseException:
            executor.shutdown(cancel_futures=True)
            raise


def in_turn(function: Callable[..., Any], *arguments: Sequence[Any]) -> list[Any]:
    """Map a function over arguments in this process."""
    return list(map(function, *arguments))


def leave_if_orphaned() -> None:
    """End a worker process whose job was killed: nobody waits for it."""
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)


def _begin(log_file: Path) -> None:
    one_thread()
    start_log(log_file)
