"""Sentences that hold numbers of statements: the page's findings, and what a figure shows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaentk.claims.verdicts import NOT_RUN
from vaentk.errors import UserError
from vaentk.report.captions import Caption, FindingText
from vaentk.report.contents import ReportData
from vaentk.report.statements import Statement
from vaentk.report.text import rounded

NAMED = re.compile(r"\{([A-Za-z0-9-]+)\}")


@dataclass(frozen=True)
class Finding:
    """A statement that a finding is about, and the sentence that its verdict leads to."""

    row: Statement
    text: str


def findings(data: ReportData, rows: Sequence[Statement]) -> list[Finding]:
    """Word the findings of this run; those whose statement it does not measure are left out.

    In a sentence ``{measured}`` stands for the statement's number with its interval, ``{id}`` for
    that of another statement. An id that does not exist is a `UserError`.
    """
    by_id = {row.id: row for row in rows}
    return [
        Finding(by_id[text.claim], _worded(text, by_id))
        for text in data.text.findings
        if _known(text.claim, by_id).verdict != NOT_RUN
    ]


def takeaway(figure: Caption, rows: Sequence[Statement]) -> str:
    """Fill in the numbers of what a figure shows; empty where this run did not measure them all."""
    measured = {row.id: row for row in rows if row.measured}
    if not set(NAMED.findall(figure.takeaway)) <= set(measured):
        return ""
    return NAMED.sub(lambda name: _number(measured[name[1]]), figure.takeaway)


def _worded(text: FindingText, by_id: dict[str, Statement]) -> str:
    own = by_id[text.claim]
    sentence = text.says.get(own.verdict, text.otherwise)
    here = {**by_id, "measured": own}
    return NAMED.sub(lambda name: _number(_known(name[1], here)), sentence)


def _number(row: Statement) -> str:
    if not row.measured:
        return "not measured"
    return rounded(f"{row.measured} {row.interval}").strip()


def _known(name: str, by_id: Mapping[str, Statement]) -> Statement:
    if name not in by_id:
        raise UserError(f"workflow/report/page.yaml: findings name {name}, which is no statement")
    return by_id[name]
