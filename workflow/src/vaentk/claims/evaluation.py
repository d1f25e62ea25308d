"""Verdicts on the papers' statements, computed from saved measures; the register of assumptions.

`config/claims.yaml` says what a statement expects and where its number is; no verdict is typed.
"""

import re
from collections.abc import Mapping
from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from vaentk.claims.ledger import (
    ASSUMPTIONS,
    CLAIMS,
    EXTREMES,
    REMARKS,
    Claim,
    Expectation,
    Test,
    Wanted,
    parse_assumptions,
    parse_claims,
    parse_remarks,
)
from vaentk.errors import UserError

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
INCONCLUSIVE, NOT_RUN = "inconclusive", "not run"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_RUN)

COLUMNS = (
    *("id", "paper", "where", "statement", "expected"),
    *("measured", "interval", "verdict", "reason", "figure", "source", "headline"),
)
"""Columns of the table of claims, all text; empty where there is nothing to say.

``source`` says from which file, columns and row a number is read; ``headline`` is yes for what the
one-page summary shows.
"""

REMARK_COLUMNS = ("id", "paper", "where", "printed", "found", "evidence", "figure")

ASSUMPTION_COLUMNS = ("id", "paper", "where", "open", "choice", "tried")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Reading(NamedTuple):
    """What a test found in a measure."""

    value: Any
    low: float | None
    high: float | None
    name: str
    """What the value is."""
    place: str
    """Where it was found, beyond what the test states."""


def evaluate(
    rows: object, measures: Mapping[str, pd.DataFrame], configuration: str
) -> pd.DataFrame:
    """Compute the verdict on every claim.

    Parameters
    ----------
    rows
        The rows of `config/claims.yaml`, as a YAML reader gives them.
    measures
        Saved measures by their path under ``results/measure``; those of runs that the
        configuration lacks are absent.
    configuration
        Name of the configuration, for the reasons.

    Returns
    -------
    DataFrame
        One row a claim, in the given order, with `COLUMNS`, all text.

    Raises
    ------
    UserError
        For a mistake in the rows, and where a test does not select exactly one number.
    """
    judged = [_judge(claim, measures, configuration) for claim in parse_claims(rows)]
    return pd.DataFrame(judged, columns=list(COLUMNS), dtype="str")


def summary(claims: pd.DataFrame) -> dict[str, int]:
    """Count the claims by verdict, every verdict in `VERDICTS`' order."""
    counts = claims["verdict"].value_counts()
    return {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}


def decide(
    value: float | str,
    low: float | None,
    high: float | None,
    expectation: Expectation,
    name: str = "value",
) -> tuple[str, str]:
    """Give the verdict on one measured value, and the reason in a sentence.

    An interval that lies inside the expected band reproduces the claim, one that misses the band
    does not, and one that straddles an edge of it is inconclusive. Without an interval (``low`` and
    ``high`` None) the value decides alone. A value or an end that is NaN is inconclusive.

    Parameters
    ----------
    value, low, high
        What was measured, and the ends of its 95% interval.
    expectation
        What the claim says.
    name
        What the value is called in the reason.

    Raises
    ------
    UserError
        For a text where a number is expected, or an interval with its ends exchanged.
    """
    if expectation.equal is not None:
        if str(value) == expectation.equal:
            return REPRODUCED, f"{name} is {value}"
        return NOT_REPRODUCED, f"{name} is {value} and not {expectation.equal}"
    if not _is_number(value):
        raise UserError(f"{name} is {value!r} where a number is expected")
    value = float(value)
    if isnan(value):
        return INCONCLUSIVE, f"{name} is not a number"
    measured = f"{name} {value:.4g}"
    if low is None or high is None:
        low = high = value
        measured += " (no interval)"
    elif isnan(low) or isnan(high):
        return INCONCLUSIVE, f"{measured} has an interval that is not a number"
    elif low > high:
        raise UserError(f"the interval {_interval(low, high)} of {name} has its ends exchanged")
    else:
        measured += f" in {_interval(low, high)}"
    two_sided = expectation.value is not None
    lower, upper = expectation.band
    if lower <= low and high <= upper:
        verdict, relation = REPRODUCED, "lies within" if two_sided else "is"
    elif high < lower or upper < low:
        verdict, relation = NOT_REPRODUCED, "lies outside" if two_sided else "is not"
    else:
        verdict = INCONCLUSIVE
        relation = "straddles an edge of" if two_sided else "leaves open whether it is"
    return verdict, f"{measured} {relation} {expectation}"


def assumptions(rows: object, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Fill the register of assumptions with the settings of this configuration.

    Parameters
    ----------
    rows
        The rows of `config/assumptions.yaml`, as a YAML reader gives them. ``{a.b}`` in choice or
        tried stands for a setting; ``{a.*.b}`` for that of every run: its value where they agree,
        ``run: value, ...`` where they do not.
    settings
        The whole checked configuration as plain data, defaults included.

    Returns
    -------
    DataFrame
        One row an assumption with `ASSUMPTION_COLUMNS`, all text.

    Raises
    ------
    UserError
        For a mistake in the rows, and for a setting that does not exist.
    """
    filled = []
    for row in parse_assumptions(rows):
        texts = row.model_dump()
        try:
            for key in ("choice", "tried"):
                texts[key] = _PLACEHOLDER.sub(
                    lambda match: _setting(match[1], settings), texts[key]
                )
        except UserError as error:
            raise UserError(f"{ASSUMPTIONS}: {row.id}: {error}") from None
        filled.append(texts)
    return pd.DataFrame(filled, columns=list(ASSUMPTION_COLUMNS), dtype="str")


def remarks(rows: object, measures: Mapping[str, pd.DataFrame], configuration: str) -> pd.DataFrame:
    """Put the numbers beside the remarks on the papers' text.

    Parameters
    ----------
    rows
        The rows of `config/remarks.yaml`, as a YAML reader gives them.
    measures, configuration
        As for `evaluate`.

    Returns
    -------
    DataFrame
        One row a remark with `REMARK_COLUMNS`, all text; evidence is a line a number, each
        ``what it shows: number``, or why it is not there.

    Raises
    ------
    UserError
        For a mistake in the rows, and where a test does not select exactly one number.
    """
    filled = []
    for remark in parse_remarks(rows):
        lines = []
        for item in remark.evidence:
            try:
                number = _number(item.test, measures, configuration)
            except UserError as error:
                raise UserError(f"{REMARKS}: {remark.id}: {error}") from None
            lines.append(f"{item.shows}: {number}")
        texts = remark.model_dump(exclude={"evidence"})
        filled.append(texts | {"evidence": "\n".join(lines)})
    return pd.DataFrame(filled, columns=list(REMARK_COLUMNS), dtype="str")


def _number(test: Test, measures: Mapping[str, pd.DataFrame], configuration: str) -> str:
    """Read one number as text, or say why it is not there."""
    if test.measure not in measures:
        return f"not run ({_absent(test.measure, measures, configuration)})"
    try:
        found = _read(measures[test.measure], test)
    except _NoRow as missing:
        return f"not run (the configuration {configuration} measures no row {missing})"
    value = f"{found.value:.4g}" if _is_number(found.value) else str(found.value)
    return value if found.low is None else f"{value} {_interval(found.low, found.high or nan)}"


class _NoRow(Exception):
    """The configuration left out the row that a test reads (an activation, a sigma0)."""


def _judge(
    claim: Claim, measures: Mapping[str, pd.DataFrame], configuration: str
) -> dict[str, str]:
    """Fill one row of the table of claims."""
    row = {key: getattr(claim, key) for key in ("id", "paper", "where", "statement")}
    row |= {"expected": str(claim.expect or claim.expected), "measured": "", "interval": ""}
    row |= {"figure": claim.figure or "", "verdict": NOT_RUN, "reason": "not implemented yet"}
    row |= {"source": str(claim.test or ""), "headline": "yes" if claim.headline else ""}
    if claim.test is None or claim.expect is None:
        return row
    path = claim.test.measure
    try:
        if path not in measures:
            return row | {"reason": _absent(path, measures, configuration)}
        found = _read(measures[path], claim.test)
        verdict, reason = decide(found.value, found.low, found.high, claim.expect, found.name)
    except _NoRow as missing:
        return row | {"reason": f"the configuration {configuration} measures no row {missing}"}
    except UserError as error:
        raise UserError(f"{CLAIMS}: {claim.id}: {error}") from None
    if found.low is not None and found.high is not None:
        row["interval"] = _interval(found.low, found.high)
    row["measured"] = f"{found.value:.4g}" if _is_number(found.value) else str(found.value)
    return row | {"verdict": verdict, "reason": f"at {found.place}: " * bool(found.place) + reason}


def _absent(path: str, measures: Mapping[str, pd.DataFrame], configuration: str) -> str:
    """Say why a measure is not there: its run is not configured. Anything else is a mistake."""
    kind, run = path.removesuffix(".csv").split("/")[:2]
    siblings = [other for other in measures if other.startswith(f"{kind}/{run}/")]
    if siblings:
        raise UserError(f"there is no measure {path}, though there is {min(siblings)}")
    reason = f"the configuration {configuration} has no run {kind}.{run}"
    return reason if configuration == "paper" else f"{reason}; config/paper.yaml has"


def _read(frame: pd.DataFrame, test: Test) -> Reading:
    """Read value and interval from the one row selected."""
    names = [name for name in (test.column, test.low, test.high, test.over) if name]
    for name in (*test.where, *names):
        if name not in frame.columns:
            have = ", ".join(frame.columns)
            raise UserError(f"{test.measure} has no column {name}; it has {have}")
    if frame.empty:
        raise _NoRow(f"of {test.measure}")
    row = _select(frame, test)
    sought = [key for key, wanted in test.where.items() if _is_sought(wanted)]
    place = ", ".join(f"{key} {_show(row[key])}" for key in sought if key != test.column)
    if test.low is None or test.high is None:
        value, low, high = row[test.column], None, None
    else:
        value, low, high = row[test.column], float(row[test.low]), float(row[test.high])
    if test.over is None:
        return Reading(value, low, high, test.column, place)
    name = f"{test.column} / {test.over}"
    divisor = float(row[test.over]) or nan
    if not _is_number(value):
        raise UserError(f"{name} divides {value!r}, which is not a number")
    ends = (None, None) if low is None or high is None else (low / divisor, high / divisor)
    low, high = ends if divisor > 0 else ends[::-1]
    return Reading(float(value) / divisor, low, high, name, place)


def _select(frame: pd.DataFrame, test: Test) -> pd.Series:
    """Find the one row: stated values and lists first, then extremes in the order written."""
    chosen = frame
    for key, wanted in sorted(test.where.items(), key=lambda item: item[1] in EXTREMES):
        chosen = chosen[_matches(chosen[key], wanted)]
    terms = ", ".join(f"{key}: {wanted}" for key, wanted in test.where.items())
    if chosen.empty:
        raise _NoRow(f"{{{terms}}} of {test.measure}")
    if len(chosen) > 1:
        found = f"{len(chosen)} rows"
        raise UserError(f"where {{{terms}}} selects {found} of {test.measure} and must select one")
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


def _is_number(value: object) -> bool:
    return bool(pd.api.types.is_number(value)) and not isinstance(value, (bool, np.bool_))


def _interval(low: float, high: float) -> str:
    return f"[{low:.4g}, {high:.4g}]"


def _setting(key: str, settings: Mapping[str, Any]) -> str:
    """Show one setting, or that of all runs."""
    found: dict[str, Any] = {"": settings}
    for part in key.split("."):
        after: dict[str, Any] = {}
        for name, value in found.items():
            if not isinstance(value, Mapping) or (part != "*" and part not in value):
                raise UserError(f"the configuration has no key {key}")
            inner = value if part == "*" else {"": value[part]}
            after |= {f"{name} {run}".strip(): setting for run, setting in inner.items()}
        found = after
    shown = {name: _show(value) for name, value in found.items()}
    if not shown:
        return "(no such run in this configuration)"
    if len(set(shown.values())) == 1:
        return next(iter(shown.values()))
    return ", ".join(f"{name}: {value}" for name, value in shown.items())


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(map(str, value))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_show, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
