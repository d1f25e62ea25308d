"""Windows of time, measured in a process of their own whenever the one that started it asks.

Imports nothing, so that a program of the peers' environment can use it.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout

WARM_UP = 1.0
"""Seconds of work before every window."""

WINDOW = 4.0
"""Seconds of work that are measured, or a little more: blocks of steps are not cut."""


class Window:
    """One window over work that goes on in blocks of steps.

    Attributes
    ----------
    rate
        Steps a second, once the window is over.
    """

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.opened: tuple[float, int] | None = None
        self.rate = 0.0

    def over(self, steps: int) -> bool:
        """Note the steps made since any beginning; say whether the window is over."""
        now = time.perf_counter()
        if self.opened is None:
            if now - self.begun >= WARM_UP:
                self.opened = now, steps
            return False
        seconds = now - self.opened[0]
        self.rate = (steps - self.opened[1]) / seconds
        return seconds >= WINDOW


def serve(measure: Callable[[], float]) -> None:
    """Say that all is ready, then answer each line of the standard input by one of JSON."""
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        print(json.dumps("ready"), file=answers, flush=True)
        for _ in sys.stdin:
            print(json.dumps(measure()), file=answers, flush=True)
