"""The claims as the page shows them: with where their numbers are from, and as an overview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from vaentk.claims.verdicts import NOT_RUN, VERDICTS
from vaentk.report.captions import Paper
from vaentk.report.contents import ReportData
from vaentk.report.equations import equation_of
from vaentk.report.inputs import kinds
from vaentk.report.reference import ReferenceRun, elsewhere
from vaentk.report.text import rounded


@dataclass(frozen=True)
class Statement:
    """A row of the table of claims, joined with what the page knows of it.

    ``figure`` is its figure's name, where the page shows it. Its number is read from the measure
    ``file``, from its ``columns`` and their row. The experiment ``kind`` made that by the settings
    ``experiments.kind.run``; ``settings`` says whether the page shows these. ``elsewhere`` is the
    same claim in reference runs. ``equation`` is it as MathML, or empty.
    """

    id: str
    paper: str
    origin: str
    where: str
    statement: str
    expected: str
    measured: str
    interval: str
    margin: str
    verdict: str
    reason: str
    certain: str
    headline: bool
    figure: str
    file: str
    columns: str
    kind: str
    run: str
    settings: bool
    elsewhere: Sequence[Mapping[Any, str]]
    equation: Markup

    @property
    def label(self) -> str:
        """The protocol that it belongs to."""
        return self.id.partition("-")[0]


@dataclass(frozen=True)
class Group:
    """The claims of one protocol, those with a measured verdict and those without."""

    label: str
    title: str
    tested: Sequence[Statement]
    untested: Sequence[Statement]


@dataclass(frozen=True)
class Line:
    """A line of the overview: a protocol of a paper, or our own statements on a paper's text.

    ``counts`` holds for every verdict how many claims have it and the first of these; ``data``
    what the protocol was run on, where that is not the whole of a real data set.
    """

    label: str
    title: str
    anchor: str
    counts: dict[str, tuple[int, str]]
    data: Sequence[str]

    @property
    def total(self) -> int:
        """How many claims it has."""
        return sum(count for count, _ in self.counts.values())


def statements(data: ReportData) -> list[Statement]:
    """Return every claim, in the order of the table."""
    claims = data.claims.astype(object).fillna("").astype(str)
    return [_statement(data, row) for row in claims.to_dict("records")]


def _statement(data: ReportData, row: Mapping[Any, str]) -> Statement:
    figure = row["figure"].rpartition("/")[2].removesuffix(".svg")
    file, _, columns = row["source"].partition(": ")
    kind, run = [*file.split("/"), "", "", ""][1:3]
    copied = ("id", "paper", "origin", "where", "statement", "expected", "measured", "interval")
    return Statement(
        **{key: row[key] for key in (*copied, "margin", "verdict", "reason", "certain")},
        headline=row["headline"] == "yes",
        figure=figure if figure in data.figures else "",
        file=file,
        columns=columns,
        kind=kind,
        run=run,
        settings=run in data.runs.get(kind, {}),
        elsewhere=elsewhere(row["id"], data.references),
        equation=equation_of(row["id"], data.equations),
    )


def claim_groups(data: ReportData, rows: Sequence[Statement]) -> list[Group]:
    """Put the claims together by protocol, protocols first of which something was measured."""
    by_label: dict[str, list[Statement]] = {label: [] for label in data.text.protocols}
    for row in rows:
        by_label.setdefault(row.label, []).append(row)
    groups = [
        Group(
            label,
            data.text.protocols.get(label, ""),
            [row for row in own if row.verdict != NOT_RUN],
            [row for row in own if row.verdict == NOT_RUN],
        )
        for label, own in by_label.items()
        if own
    ]
    return sorted(groups, key=lambda group: not group.tested)


def overview(data: ReportData, groups: Sequence[Group]) -> list[tuple[Paper, list[Line]]]:
    """Lay out the answer: every paper's statements by protocol and verdict; then ours, by paper."""
    ordered = sorted(groups, key=lambda group: group.label)
    blocks, ours = [], []
    for paper in (*data.text.papers, data.text.beyond):
        of_paper = [group for group in ordered if group.label[0] == paper.letter]
        lines = [_line(data, group.label, group.title, [group], "paper") for group in of_paper]
        blocks.append((paper, [line for line in lines if line.total]))
        title = paper.citation if paper == data.text.beyond else f"on the text of {paper.short}"
        ours += [_line(data, paper.letter, title, of_paper, "ours")] if of_paper else []
    blocks.append((data.text.beyond, [line for line in ours if line.total]))
    return [(paper, lines) for paper, lines in blocks if lines]


def _line(data: ReportData, label: str, title: str, groups: Sequence[Group], origin: str) -> Line:
    every = [row for group in groups for row in (*group.tested, *group.untested)]
    rows = [row for row in every if row.origin == origin]
    ids = {verdict: [row.id for row in rows if row.verdict == verdict] for verdict in VERDICTS}
    counts = {verdict: (len(having), next(iter(having), "")) for verdict, having in ids.items()}
    experiments = {row.kind for row in rows if row.verdict != NOT_RUN}
    sections = [section for section in data.shown if section.id in experiments]
    named = dict.fromkeys(kind for section in sections for kind in kinds(data, section))
    return Line(label, title, groups[0].label, counts, [kind for kind in named if kind != "real"])


def side_by_side(rows: Sequence[Statement], runs: Sequence[ReferenceRun]) -> pd.DataFrame:
    """Put what this run has of every statement beside what reference runs have.

    One row per statement that is measured anywhere; the columns are ``claim``, ``this run`` and
    the names of the runs, the cells number, interval and verdict, empty where there is none.
    """
    table = []
    for row in rows:
        cells = {"this run": _said(vars(row))}
        cells |= {run.name: _said(run.claims.get(row.id)) for run in runs}
        if any(cells.values()):
            table.append({"claim": row.id, **cells})
    return pd.DataFrame(table)


def _said(claim: Mapping[Any, Any] | None) -> str:
    if claim is None or claim["verdict"] == NOT_RUN:
        return ""
    number = rounded(f"{claim['measured']} {claim['interval']}").strip()
    return ", ".join(filter(None, (number, claim["verdict"])))
