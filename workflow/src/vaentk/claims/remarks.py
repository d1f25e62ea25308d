"""The remarks on the papers' text, each with the numbers that it rests on."""

from collections.abc import Mapping

import pandas as pd

from vaentk.claims.ledger import Remark, Test, parse
from vaentk.claims.readings import Absent, read
from vaentk.errors import UserError


def remarks(rows: object, measures: Mapping[str, pd.DataFrame], configuration: str) -> pd.DataFrame:
    """Put the numbers beside the remarks on the papers' text, all text.

    The arguments are those of `vaentk.claims.verdicts.evaluate`, as are the errors. Evidence is a
    line a number, each ``what it shows: number``, or why it is not there.
    """
    filled = []
    for remark in parse(rows, Remark):
        lines = []
        for item in remark.evidence:
            try:
                number = _number(item.test, measures, configuration)
            except UserError as error:
                raise UserError(f"{remark.file}: {remark.id}: {error}") from None
            lines.append(f"{item.shows}: {number}")
        filled.append(remark.model_dump() | {"evidence": "\n".join(lines)})
    return pd.DataFrame(filled, columns=list(Remark.model_fields), dtype="str")


def _number(test: Test, measures: Mapping[str, pd.DataFrame], configuration: str) -> str:
    """Read one number as text, or say why it is not there."""
    try:
        (reading,) = read(measures, test, configuration)
    except Absent as reason:
        return f"not run ({reason})"
    return f"{reading.measured} {reading.interval}".strip()
