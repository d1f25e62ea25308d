"""What a file of arrays holds, and what images are made of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Fetch = Callable[..., dict[str, Path]]
"""Gives the downloaded files of a data set by name: of its name, and of those that are wanted."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Arrays or tensors by name, and a line of metadata."""

    arrays: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Images that come block by block, uint8 of this shape together, and small arrays by name."""

    images: Iterable[NDArray[np.uint8]]
    shape: tuple[int, ...]
    others: Mapping[str, NDArray[Any]]
    note: str
