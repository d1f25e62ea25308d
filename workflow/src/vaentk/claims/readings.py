"""One number read from a saved measure, as a test of the ledger says where it is."""

from collections.abc import Mapping
from math import nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vaentk.claims.ledger import EXTREMES, Test, Wanted
from vaentk.errors import UserError


class Reading(NamedTuple):
    """What a test found in a measure."""

    value: Any
    low: float | None
    high: float | None
    name: str
    """What the value is."""
    place: str
    """Where it was found, beyond what the test states."""

    @property
    def measured(self) -> str:
        """The value as text."""
        return f"{self.value:.4g}" if is_number(self.value) else str(self.value)

    @property
    def interval(self) -> str:
        """Its interval as text; empty where it has none."""
        return "" if self.low is None or self.high is None else interval_text(self.low, self.high)


class Absent(Exception):
    """The configuration left out the run or the row that a test reads, as the sentence says."""


def read(measures: Mapping[str, pd.DataFrame], test: Test, configuration: str) -> Reading:
    """Read value and interval from the one row selected."""
    if test.measure not in measures:
        raise Absent(_why_absent(test.measure, measures, configuration))
    frame, lacks = measures[test.measure], f"the configuration {configuration} measures no row"
    names = [name for name in (test.column, test.low, test.high, test.over) if name]
    for name in (*test.where, *names):
        if name not in frame.columns:
            have = ", ".join(frame.columns)
            raise UserError(f"{test.measure} has no column {name}; it has {have}")
    if frame.empty:
        raise Absent(f"{lacks} of {test.measure}")
    row = _select(frame, test, lacks)
    sought = [key for key, wanted in test.where.items() if _is_sought(wanted)]
    place = ", ".join(f"{key} {show(row[key])}" for key in sought if key != test.column)
    value = row[test.column]
    low, high = (float(row[end]) if end else None for end in (test.low, test.high))
    if test.over is None:
        return Reading(value, low, high, test.column, place)
    name = f"{test.column} / {test.over}"
    divisor = float(row[test.over]) or nan
    if not is_number(value):
        raise UserError(f"{name} divides {value!r}, which is not a number")
    ends = (None, None) if low is None or high is None else (low / divisor, high / divisor)
    low, high = ends if divisor > 0 else ends[::-1]
    return Reading(float(value) / divisor, low, high, name, place)


def _why_absent(path: str, measures: Mapping[str, pd.DataFrame], configuration: str) -> str:
    """Say why a measure is not there: its run is not configured. Anything else is a mistake."""
    kind, run = path.removesuffix(".csv").split("/")[:2]
    siblings = [other for other in measures if other.startswith(f"{kind}/{run}/")]
    if siblings:
        raise UserError(f"there is no measure {path}, though there is {min(siblings)}")
    reason = f"the configuration {configuration} has no run {kind}.{run}"
    return reason if configuration == "paper" else f"{reason}; config/paper.yaml has"


def _select(frame: pd.DataFrame, test: Test, lacks: str) -> pd.Series:
    """Find the one row: stated values and lists first, then extremes in the order written."""
    chosen = frame
    for key, wanted in sorted(test.where.items(), key=lambda item: item[1] in EXTREMES):
        chosen = chosen[_matches(chosen[key], wanted)]
    terms = ", ".join(f"{key}: {wanted}" for key, wanted in test.where.items())
    if chosen.empty:
        raise Absent(f"{lacks} {{{terms}}} of {test.measure}")
    if len(chosen) > 1:
        rows = f"{len(chosen)} rows"
        raise UserError(f"where {{{terms}}} selects {rows} of {test.measure} and must select one")
    return chosen.iloc[0]


def _matches(column: pd.Series, wanted: Wanted) -> Any:
    """Mark the entries wanted; a first NaN is beyond every extreme, so that it is not passed by."""
    if isinstance(wanted, list):
        return column.isin(wanted)
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if wanted in EXTREMES:
        if not numeric:
            raise UserError(f"column {column.name} holds no numbers and has no {wanted}")
        missing = column.isna()
        if missing.any():
            return missing & (missing.cumsum() == 1)
        return column == (column.max() if wanted == "max" else column.min())
    if numeric and not isinstance(wanted, (bool, str)):
        return np.isclose(column.astype(float), wanted, rtol=1e-9, atol=0)
    return column == wanted


def _is_sought(wanted: Wanted) -> bool:
    """Tell what a test finds in the measure (an extreme, one of a list) from what it states."""
    return isinstance(wanted, list) or wanted in EXTREMES


def is_number(value: object) -> bool:
    """Whether a cell holds a number, which a truth value is not."""
    return bool(pd.api.types.is_number(value)) and not isinstance(value, (bool, np.bool_))


def interval_text(low: float, high: float) -> str:
    """Write an interval."""
    return f"[{low:.4g}, {high:.4g}]"


def show(value: Any) -> str:
    """Write a setting or a cell."""
    if isinstance(value, Mapping):
        return ", ".join(map(str, value))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
