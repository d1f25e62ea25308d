"""The claims as the page shows them: with where their numbers are from, and as an overview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaentk.claims.verdicts import NOT_RUN, VERDICTS
from vaentk.report.captions import Paper
from vaentk.report.contents import ReportData
from vaentk.report.inputs import kinds
from vaentk.report.reference import Elsewhere, elsewhere


@dataclass(frozen=True)
class Statement:
    """A row of the table of claims, joined with what the page knows of it.

    Attributes
    ----------
    figure
        Its figure's name, where the page shows it.
    file, columns
        The measure that its number is read from, and the columns and the row of it.
    kind, run
        The experiment that made the measure: its settings are ``experiments.kind.run``.
    settings
        Whether the page shows these.
    elsewhere
        The same claim in reference runs.
    """

    id: str
    paper: str
    where: str
    statement: str
    expected: str
    measured: str
    interval: str
    verdict: str
    reason: str
    headline: bool
    figure: str
    file: str
    columns: str
    kind: str
    run: str
    settings: bool
    elsewhere: tuple[Elsewhere, ...]

    @property
    def label(self) -> str:
        """The protocol that it belongs to."""
        return self.id.partition("-")[0]


@dataclass(frozen=True)
class Group:
    """The claims of one protocol."""

    label: str
    title: str
    rows: tuple[Statement, ...]

    @property
    def tested(self) -> list[Statement]:
        """Those with a measured verdict."""
        return [row for row in self.rows if row.verdict != NOT_RUN]

    @property
    def untested(self) -> list[Statement]:
        """Those without."""
        return [row for row in self.rows if row.verdict == NOT_RUN]


@dataclass(frozen=True)
class Line:
    """A line of the overview: a protocol, or all that goes beyond the papers.

    ``counts`` holds for every verdict how many claims have it and the first of these; ``data``
    what the protocol was run on, where that is not the whole of a real data set.
    """

    label: str
    title: str
    anchor: str
    counts: dict[str, tuple[int, str]]
    data: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """The part of the overview that belongs to one paper."""

    paper: Paper
    lines: tuple[Line, ...]


def statements(data: ReportData) -> list[Statement]:
    """Return every claim, in the order of the table."""
    drawn = {figure.name for figure in data.figures}
    claims = data.claims.astype(object).where(data.claims.notna(), "").astype(str)
    return [_statement(data, drawn, row) for row in claims.to_dict("records")]


def _statement(data: ReportData, drawn: set[str], row: Mapping[Any, str]) -> Statement:
    figure = row["figure"].rpartition("/")[2].removesuffix(".svg")
    file, _, columns = row["source"].partition(": ")
    kind, run = [*file.split("/"), "", "", ""][1:3]
    copied = ("id", "paper", "where", "statement", "expected", "measured", "interval")
    return Statement(
        **{key: row[key] for key in (*copied, "verdict", "reason")},
        headline=row["headline"] == "yes",
        figure=figure if figure in drawn else "",
        file=file,
        columns=columns,
        kind=kind,
        run=run,
        settings=run in data.runs.get(kind, {}),
        elsewhere=elsewhere(row["id"], tuple(data.references)),
    )


def claim_groups(data: ReportData, rows: Sequence[Statement]) -> list[Group]:
    """Put the claims together by protocol, protocols first of which something was measured."""
    present = {row.label for row in rows}
    labels = [*data.text.protocols, *(row.label for row in rows)]
    order = [name for name in dict.fromkeys(labels) if name in present]
    groups = [
        Group(
            name,
            data.text.protocols.get(name, ""),
            tuple(row for row in rows if row.label == name),
        )
        for name in order
    ]
    return sorted(groups, key=lambda group: not group.tested)


def overview(data: ReportData, groups: Sequence[Group]) -> list[Block]:
    """Lay out the answer: for every paper, its protocols by verdict; our own questions as one."""
    blocks = []
    for paper in data.text.papers:
        own = sorted((g for g in groups if g.label[0] == paper.letter), key=lambda g: g.label)
        lines = tuple(_line(data, group.label, group.title, [group]) for group in own)
        if lines:
            blocks.append(Block(paper, lines))
    beyond = data.text.beyond
    own = [group for group in groups if group.label[0] == beyond.letter]
    if own:
        blocks.append(Block(beyond, (_line(data, beyond.letter, beyond.citation, own),)))
    return blocks


def _line(data: ReportData, label: str, title: str, groups: Sequence[Group]) -> Line:
    rows = [row for group in groups for row in group.rows]
    counts = {}
    for verdict in VERDICTS:
        having = [row.id for row in rows if row.verdict == verdict]
        counts[verdict] = (len(having), next(iter(having), ""))
    experiments = {row.kind for row in rows if row.verdict != NOT_RUN}
    return Line(label, title, groups[0].label, counts, tuple(_partial(data, experiments)))


def _partial(data: ReportData, experiments: set[str]) -> list[str]:
    """Name the data of experiments that is not the whole of a real data set."""
    shown = [part for part in data.text.sections if part.id in experiments & set(data.runs)]
    named = dict.fromkeys(kind for section in shown for kind in kinds(data, section))
    return [kind for kind in named if kind != "real"]
