"""The remarks on the papers' text, each with the numbers that it rests on."""

from collections.abc import Mapping

import pandas as pd

from vaentk.claims.ledger import REMARKS, Test, parse_remarks
from vaentk.claims.readings import MissingRow, read, why_absent
from vaentk.errors import UserError

COLUMNS = ("id", "paper", "where", "printed", "found", "evidence", "figure")
"""Columns of the table of remarks, all text."""


def remarks(rows: object, measures: Mapping[str, pd.DataFrame], configuration: str) -> pd.DataFrame:
    """Put the numbers beside the remarks on the papers' text.

    Parameters
    ----------
    rows
        The rows of `config/remarks.yaml`, as a YAML reader gives them.
    measures, configuration
        As for `vaentk.claims.verdicts.evaluate`.

    Returns
    -------
    DataFrame
        One row a remark with `COLUMNS`, all text; evidence is a line a number, each
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
    return pd.DataFrame(filled, columns=list(COLUMNS), dtype="str")


def _number(test: Test, measures: Mapping[str, pd.DataFrame], configuration: str) -> str:
    """Read one number as text, or say why it is not there."""
    if test.measure not in measures:
        return f"not run ({why_absent(test.measure, measures, configuration)})"
    try:
        reading = read(measures[test.measure], test)
    except MissingRow as missing:
        return f"not run (the configuration {configuration} measures no row {missing})"
    return f"{reading.measured} {reading.interval}".strip()
