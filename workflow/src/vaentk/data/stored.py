"""What a file of arrays holds, opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Stored:
    """Arrays or tensors by name, and a line of metadata."""

    arrays: Mapping[str, Any]
    note: str = ""
