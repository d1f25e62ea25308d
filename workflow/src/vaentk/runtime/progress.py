"""The bar that a long job shows, in a terminal and in a log."""

import sys
from typing import Any

from tqdm import tqdm

LIVE, LOGGED = 0.5, 20
"""Seconds between two lines in a terminal and in a file."""


def bar(total: int, done: int, what: str, unit: str = "step") -> "tqdm[Any]":
    """Show on standard error how much of a total is done, of which some was done before."""
    return tqdm(
        total=total,
        initial=done,
        desc=what,
        unit=unit,
        unit_scale=unit != "step",
        file=sys.stderr,
        mininterval=LIVE if sys.stderr.isatty() else LOGGED,
        leave=False,
    )
