"""What of the annotations is checked while tests run: the shapes and dtypes of arrays."""

from collections.abc import Callable
from typing import Any

from beartype import beartype

CHECKED = (
    "vaentk.bounds",
    "vaentk.kernels",
    "vaentk.metrics",
    "vaentk.models",
    "vaentk.statistics",
)
"""Packages with such annotations."""


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check a call's arrays; other types are mypy's, and no protocol can be checked in a call."""
    hints = function.__annotations__.items()
    function.__annotations__ = {name: hint for name, hint in hints if "jaxtyping" in repr(hint)}
    return beartype(function)
