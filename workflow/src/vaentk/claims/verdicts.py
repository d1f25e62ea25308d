"""Verdicts on the papers' statements, computed from saved measures.

`config/claims.yaml` says what a statement expects and where its number is; no verdict is typed.
"""

from collections.abc import Mapping
from math import isnan

import pandas as pd

from vaentk.claims.ledger import Claim, Expectation, parse
from vaentk.claims.readings import Absent, interval_text, is_number, read
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


def evaluate(
    rows: object, measures: Mapping[str, pd.DataFrame], configuration: str
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

    Raises
    ------
    UserError
        For a mistake in the rows, and where a test does not select exactly one number.
    """
    judged = [_judge(claim, measures, configuration) for claim in parse(rows, Claim)]
    return pd.DataFrame(judged, columns=list(COLUMNS), dtype="str")


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
    try:
        reading = read(measures, claim.test, configuration)
        value, low, high, name, place = reading
        verdict, reason = decide(value, low, high, claim.expect, name)
    except Absent as absent:
        return row | {"reason": str(absent)}
    except UserError as error:
        raise UserError(f"{claim.file}: {claim.id}: {error}") from None
    row |= {"measured": reading.measured, "interval": reading.interval, "verdict": verdict}
    return row | {"reason": f"at {place}: {reason}" if place else reason}


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

    ``name`` is what the value is called in the reason. A text where a number is expected, or an
    interval with its ends exchanged, is a `UserError`.
    """
    if expectation.equal is not None:
        if str(value) == expectation.equal:
            return REPRODUCED, f"{name} is {value}"
        return NOT_REPRODUCED, f"{name} is {value} and not {expectation.equal}"
    if not is_number(value):
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
    return verdict, f"{measured} {relation} {expectation}"
