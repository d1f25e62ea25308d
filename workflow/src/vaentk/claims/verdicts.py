"""Verdicts on the papers' statements, computed from saved measures.

`config/claims.yaml` says what a statement expects and where its number is; no verdict is typed.
"""

import re
from collections.abc import Mapping
from math import inf, isfinite, isnan, nan
from typing import Any, Final, NamedTuple

import pandas as pd

from vaentk.claims.ledger import Claim, Expectation, Premise, parse
from vaentk.claims.readings import Absent, Reading, interval_text, is_number, read, show
from vaentk.errors import UserError

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
INCONCLUSIVE, PREMISE_NOT_MET, NOT_RUN = "inconclusive", "premise not met", "not run"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, PREMISE_NOT_MET, NOT_RUN)

SETTING: Final = re.compile(r"\{([a-z0-9_.-]+)\|([^{}]*)\}")
"""A setting in the text of a claim."""

COLUMNS = (
    *("id", "paper", "origin", "where", "statement", "expected", "direction"),
    *("measured", "interval", "margin", "verdict", "reason"),
    *("premise", "certain", "figure", "source", "headline"),
)
"""Columns of the table of claims, all text; empty where there is nothing to say.

``origin`` says whose statement it is, a paper's or ours. ``margin`` is how far the value lies
inside what is expected, in half lengths of its interval: below 0 it lies outside, between -1 and 1
the interval straddles an edge, and a large one was hardly at risk. ``source`` says from which file,
columns and row a number is read; ``headline`` is yes for what the one-page summary shows.
"""


class Judged(NamedTuple):
    """The verdict on a number."""

    verdict: str
    reason: str
    margin: float


def evaluate(
    rows: object,
    measures: Mapping[str, pd.DataFrame],
    configuration: str,
    experiments: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> pd.DataFrame:
    """Compute the verdict on every claim: a table with `COLUMNS`, all text, in the given order.

    Parameters
    ----------
    rows
        The rows of `config/claims.yaml`, as a YAML reader gives them.
    measures
        Saved measures by their path under ``results/measure``; those of runs that the
        configuration lacks are absent.
    configuration
        Name of the configuration, for the reasons.
    experiments
        Settings by experiment and run, as plain data, which the texts name.

    Raises
    ------
    UserError
        For a mistake in the rows, where a test does not select exactly one number, and for a
        setting that a run does not have.
    """
    judged = [
        _judge(worded(claim, experiments), measures, configuration) for claim in parse(rows, Claim)
    ]
    return pd.DataFrame(judged, columns=list(COLUMNS), dtype="str")


def worded(claim: Claim, experiments: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Claim:
    """Put the settings of the run that is tested into the texts of a claim."""
    kind, name, _ = claim.test.measure.split("/") if claim.test else ("", "", "")
    run = experiments.get(kind, {}).get(name)
    texts = ("where", "statement", "certain")
    try:
        told = {key: _filled(getattr(claim, key), run) for key in texts if getattr(claim, key)}
    except UserError as error:
        raise UserError(f"{claim.file}: {claim.id}: {error}") from None
    return claim.model_copy(update=told)


def _filled(text: str, run: Mapping[str, Any] | None) -> str:
    """Put settings of a run into a text: ``{setting|instead}``, of which the second is without one.

    ``outputs`` is the number d of outputs that a run's inputs have.
    """

    def setting(match: re.Match[str]) -> str:
        if run is None:
            return match[2]
        value: Any = run
        if match[1] == "outputs" and "inputs" in run:
            return show(run["inputs"]["components"] or run["inputs"]["resolution"] ** 2)
        for part in match[1].split("."):
            try:
                value = value[int(part)] if isinstance(value, list | tuple) else value[part]
            except (LookupError, TypeError, ValueError):
                raise UserError(f"the run has no setting {match[1]}") from None
        return show(value)

    return SETTING.sub(setting, text)


def _judge(
    claim: Claim, measures: Mapping[str, pd.DataFrame], configuration: str
) -> dict[str, str]:
    """Fill one row of the table of claims."""
    row = dict.fromkeys(COLUMNS, "")
    row |= {key: getattr(claim, key) for key in ("id", "paper", "origin", "where", "statement")}
    row |= {"expected": str(claim.expect or claim.expected), "certain": claim.certain or ""}
    row |= {"direction": claim.expect.direction if claim.expect else ""}
    row |= {"figure": claim.figure or "", "verdict": NOT_RUN, "reason": "not implemented yet"}
    row |= {"premise": "; ".join(premise.says for premise in claim.premise)}
    row |= {"source": str(claim.test or ""), "headline": "yes" if claim.headline else ""}
    if claim.test is None or claim.expect is None:
        return row
    try:
        readings = read(measures, claim.test, configuration)
        failed = [_failed(premise, measures, configuration) for premise in claim.premise]
        reading, judged = decide_all(readings, claim.expect)
    except Absent as absent:
        return row | {"reason": str(absent)}
    except UserError as error:
        raise UserError(f"{claim.file}: {claim.id}: {error}") from None
    row |= {"measured": reading.measured, "interval": reading.interval}
    scale = f"a reduced experiment, {reading.reduced}: " if reading.reduced else ""
    if any(failed):
        reason = scale + "; ".join(filter(None, [reading.choices, *failed]))
        return row | {"verdict": PREMISE_NOT_MET, "reason": reason}
    margin = f"{judged.margin:.2g}" if isfinite(judged.margin) else ""
    return row | {"verdict": judged.verdict, "reason": scale + judged.reason, "margin": margin}


def _failed(premise: Premise, measures: Mapping[str, pd.DataFrame], configuration: str) -> str:
    """Say why a premise does not hold, and what is known of the case where it does; or nothing."""
    reading, judged = decide_all(read(measures, premise.test, configuration), premise.expect)
    if judged.verdict == REPRODUCED:
        return ""
    said = f"{premise.says}: {reading.name} is {reading.measured} and not {premise.expect}"
    if premise.beyond is None:
        return said
    try:
        (known,) = read(measures, premise.beyond.test, configuration)
    except Absent:
        return said
    return f"{said}; {premise.beyond.shows}: {known.measured} {known.interval}".strip()


def decide_all(readings: list[Reading], expectation: Expectation) -> tuple[Reading, Judged]:
    """Judge numbers that must all meet the expectation; return the one that decides.

    One that does not meet it refutes; where none does, one that is open leaves it open. Their
    intervals must hold together.
    """
    judged = [
        (reading, decide(reading.value, reading.low, reading.high, expectation, reading.name))
        for reading in readings
    ]
    order = (NOT_REPRODUCED, INCONCLUSIVE, REPRODUCED)
    reading, first = min(
        judged,
        key=lambda one: (order.index(one[1].verdict), _least_first(one[1].margin)),
    )
    reason = f"at {reading.place}: {first.reason}" if reading.place else first.reason
    if len(readings) > 1:
        met = sum(one.verdict == REPRODUCED for _, one in judged)
        reason = f"{met} of {len(readings)} meet it, intervals taken together; {reason}"
    if reading.choices:
        reason = f"{reading.choices}; {reason}"
    return reading, first._replace(reason=reason)


def _least_first(margin: float) -> float:
    """Order by margin, what has none first."""
    return -inf if isnan(margin) else margin


def decide(
    value: float | str,
    low: float | None,
    high: float | None,
    expectation: Expectation,
    name: str = "value",
) -> Judged:
    """Give the verdict on one measured value, the reason in a sentence, and its margin.

    An interval that lies inside the expected band reproduces the claim, one that misses the band
    does not, and one that straddles an edge of it is inconclusive. Without an interval (``low`` and
    ``high`` None) the value is exact and decides alone; its margin is not a number. A value or an
    end that is NaN is inconclusive.

    ``name`` is what the value is called in the reason. A text where a number is expected, or an
    interval with its ends exchanged, is a `UserError`.
    """
    if expectation.equal is not None:
        if str(value) == expectation.equal:
            return Judged(REPRODUCED, f"{name} is {value}", nan)
        return Judged(NOT_REPRODUCED, f"{name} is {value} and not {expectation.equal}", nan)
    if not is_number(value):
        raise UserError(f"{name} is {value!r} where a number is expected")
    value = float(value)
    if isnan(value):
        return Judged(INCONCLUSIVE, f"{name} is not a number", nan)
    measured = f"{name} {value:.4g}"
    if low is None or high is None:
        low = high = value
        measured += " (exact)"
    elif isnan(low) or isnan(high):
        return Judged(INCONCLUSIVE, f"{measured} has no interval: one seed gives none", nan)
    elif low > high:
        raise UserError(f"the interval {interval_text(low, high)} of {name} has its ends exchanged")
    else:
        measured += f" in {interval_text(low, high)}"
    two_sided = expectation.value is not None
    lower, upper = expectation.band
    if lower <= low and high <= upper:
        verdict, relation = REPRODUCED, "lies within" if two_sided else "is"
    elif high < lower or upper < low:
        verdict, relation = NOT_REPRODUCED, "lies outside" if two_sided else "is not"
    else:
        verdict = INCONCLUSIVE
        relation = "straddles an edge of" if two_sided else "leaves open whether it is"
    half = (high - low) / 2
    margin = min(value - lower, upper - value) / half if half > 0 else nan
    return Judged(verdict, f"{measured} {relation} {expectation}", margin)
