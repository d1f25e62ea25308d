"""Numbers read from a saved measure, as a test of the ledger says where they are."""

from collections.abc import Mapping
from math import inf, isnan, nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vaentk.claims.ledger import EXTREMES, Test, Wanted
from vaentk.errors import UserError
from vaentk.statistics.intervals import Estimate, geometric_mean, mean


class Reading(NamedTuple):
    """What a test found in a measure."""

    value: Any
    low: float | None
    high: float | None
    name: str
    """What the value is."""
    place: str
    """Where it was found, beyond what the test states."""
    choices: str = ""
    """How many choices of images were read, where a test names several."""
    reduced: str = ""
    """What is less than in the paper's experiment, where the measure says so."""

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


def read(measures: Mapping[str, pd.DataFrame], test: Test, configuration: str) -> list[Reading]:
    """Read value and interval: one, or one for each of the rows that ``every`` tells apart."""
    if test.measure not in measures:
        raise Absent(_why_absent(test.measure, measures, configuration))
    frame, lacks = _together(measures, test), f"the configuration {configuration} measures no row"
    names = [test.column, test.low, test.high, test.over, test.across, *test.every]
    for name in (*test.where, *filter(None, names)):
        if name not in frame.columns:
            have = ", ".join(frame.columns)
            raise UserError(f"{test.measure} has no column {name}; it has {have}")
    if frame.empty:
        raise Absent(f"{lacks} of {test.measure}")
    chosen = _select(frame, test, lacks)
    groups = [chosen]
    if test.every:
        groups = [part for _, part in chosen.groupby(test.every, sort=False, dropna=False)]
    readings = [
        _reading(part, test, len(groups))._replace(reduced=_reduced(part)) for part in groups
    ]
    if not test.choices:
        return readings
    said = f"{chosen['run'].nunique()} of {len(test.measures)} choices of images"
    return [reading._replace(choices=said) for reading in readings]


def _together(measures: Mapping[str, pd.DataFrame], test: Test) -> pd.DataFrame:
    """Put the measures of all choices of images that there are under each other."""
    if not test.choices:
        return measures[test.measure]
    paths = test.measures.items()
    return pd.concat([measures[path].assign(run=run) for run, path in paths if path in measures])


def _reading(rows: pd.DataFrame, test: Test, comparisons: int) -> Reading:
    """Read one number from its row, or from a row of each seed."""
    parts = [part for _, part in rows.groupby(test.across)] if test.across else [rows]
    found = [_extreme(part, test) for part in parts]
    sought = [key for key, wanted in test.where.items() if _is_sought(wanted)]
    keys = dict.fromkeys(key for key in (*sought, *test.every) if key != test.column)
    shown = {key: {show(row[key]) for row in found} for key in keys}
    place = ", ".join(f"{key} {min(seen)}" for key, seen in shown.items() if len(seen) == 1)
    name = f"{test.column} / {test.over}" if test.over else test.column
    if test.across:
        values = [_number(row, test, test.column) for row in found]
        estimate = (geometric_mean if test.log else mean)(values).simultaneous(comparisons)
        return Reading(estimate.value, estimate.low, estimate.high, name, place)
    (row,) = found
    if test.over is None and not is_number(row[test.column]):
        return Reading(row[test.column], None, None, name, place)
    value = _number(row, test, test.column)
    if test.low is None or test.high is None:
        return Reading(value, None, None, name, place)
    low, high = (_number(row, test, end) for end in (test.low, test.high))
    if test.over is not None and row[test.over] < 0:
        low, high = high, low
    estimate = Estimate(value, low, high, 0, float(row.get("freedom", inf)))
    estimate = estimate.simultaneous(comparisons)
    return Reading(value, estimate.low, estimate.high, name, place)


def _reduced(rows: pd.DataFrame) -> str:
    """What the measure's column ``reduced`` says of its rows; empty text is read as missing."""
    said = rows["reduced"].dropna().unique() if "reduced" in rows else ()
    return "; ".join(map(str, filter(None, said)))


def _number(row: pd.Series, test: Test, column: str) -> float:
    """Read a cell, divided if the test says so."""
    value = row[column]
    if not is_number(value):
        raise UserError(f"{column} is {value!r} where a number is expected")
    if test.over is None:
        return float(value)
    return float(value) / (float(row[test.over]) or nan)


def _why_absent(path: str, measures: Mapping[str, pd.DataFrame], configuration: str) -> str:
    """Say why a measure is not there: its run is not configured. Anything else is a mistake."""
    kind, run = path.removesuffix(".csv").split("/")[:2]
    siblings = [other for other in measures if other.startswith(f"{kind}/{run}/")]
    if siblings:
        raise UserError(f"there is no measure {path}, though there is {min(siblings)}")
    reason = f"the configuration {configuration} has no run {kind}.{run}"
    return reason if configuration == "paper" else f"{reason}; config/paper.yaml has"


def _select(frame: pd.DataFrame, test: Test, lacks: str) -> pd.DataFrame:
    """Find the rows: stated values and lists first, then extremes in the order written.

    That of the tested column itself comes last, of each seed or of the rows that ``every`` tells
    apart.
    """
    chosen = frame
    for key, wanted in sorted(test.where.items(), key=lambda item: item[1] in EXTREMES):
        if key != test.column or wanted not in EXTREMES:
            chosen = chosen[_matches(chosen[key], wanted)]
    if chosen.empty:
        raise Absent(f"{lacks} {{{_terms(test)}}} of {test.measure}")
    return chosen


def _extreme(rows: pd.DataFrame, test: Test) -> pd.Series:
    """Find the one row that is left, by the extreme of the tested column where it is asked for."""
    wanted = test.where.get(test.column)
    if wanted in EXTREMES:
        rows = rows[_matches(rows[test.column], wanted)].iloc[:1]
    if len(rows) > 1:
        raise UserError(
            f"where {{{_terms(test)}}} selects {len(rows)} rows of {test.measure} and must select "
            "one" + (f" of each {test.across}" if test.across else "")
        )
    return rows.iloc[0]


def _terms(test: Test) -> str:
    return ", ".join(f"{key}: {wanted}" for key, wanted in test.where.items())


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
    """Write an interval; nothing where it has no ends."""
    return "" if isnan(low) and isnan(high) else f"[{low:.4g}, {high:.4g}]"


def show(value: Any) -> str:
    """Write a setting or a cell."""
    if isinstance(value, Mapping):
        return ", ".join(map(str, value))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
