"""Processes of a training job, a core each."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from vaentk.errors import UserError
from vaentk.runtime.devices import one_thread

Spread = Callable[..., list[Any]]
"""Map of a function over sequences of arguments, like `map`, as a list."""


@contextmanager
def workers(processes: int, given: Spread | None = None) -> Iterator[Spread]:
    """Give a map over arguments: one given, in worker processes, or here when one is enough."""
    if given is not None:
        yield given
        return
    if processes == 1:
        yield lambda function, *arguments: list(map(function, *arguments))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=one_thread) as executor:

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
