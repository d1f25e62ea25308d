"""What the report shows: results joined with the words about them."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaentk.errors import UserError
from vaentk.report.reference import VERDICTS, ReferenceRun
from vaentk.report.words import Section, Sections

COLUMNS = {
    "claims": [
        "id",
        "paper",
        "where",
        "statement",
        "expected",
        "measured",
        "interval",
        "verdict",
        "reason",
        "figure",
        "source",
        "headline",
    ],
    "assumptions": ["id", "paper", "where", "open", "choice", "tried"],
    "remarks": ["id", "paper", "where", "printed", "found", "evidence", "figure"],
    "benchmarks": ["job", "seconds", "max_rss_mb", "machine"],
}
PROVENANCE = ["rule", "code", "dtype", "device", "seeds"]


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure with its words; ``svg`` is the text of the file, drawn from ``measures``."""

    name: str
    section: str
    title: str
    caption: str
    alt: str
    svg: str
    measures: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """The figure as a data URI, which needs no second file."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode()}"

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in CSS pixels, where the SVG states them in points."""
        width = re.search(r'<svg[^>]*\bwidth="([\d.]+)pt"', self.svg)
        height = re.search(r'<svg[^>]*\bheight="([\d.]+)pt"', self.svg)
        if not width or not height:
            return None
        return round(float(width[1]) * 4 / 3), round(float(height[1]) * 4 / 3)

    @property
    def is_tall(self) -> bool:
        """Whether it stands better on an upright sheet of paper than on a lying one."""
        return self.size is not None and self.size[1] > self.size[0]


@dataclass(frozen=True, eq=False)
class Table:
    """A table with its words."""

    name: str
    section: str
    title: str
    caption: str
    frame: pd.DataFrame
    measures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A data set as this run used it.

    Attributes
    ----------
    label
        The ``data`` entry of its provenance: real, embedded subset or stand-in.
    images, pixels
        Number of images there are, and pixels a side.
    dataset
        The data set that it is or stands in for.
    facts
        What else is known of it: terms and words.
    sheet
        Images to look at: SVG text and alternative text.
    """

    name: str
    label: str
    images: int
    pixels: int
    licence: str
    citation: str
    checksum: str
    dataset: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    sheet: tuple[str, str] | None = None

    @property
    def figure(self) -> Figure | None:
        """Its contact sheet."""
        if self.sheet is None:
            return None
        svg, alt = self.sheet
        return Figure(f"images_{self.name}", "data", "", "", alt, svg)


@dataclass(frozen=True, eq=False)
class ReportData:
    """All that one page shows; nothing else reaches the template.

    Attributes
    ----------
    config
        The whole validated configuration as plain data.
    runs
        Settings by run, by section.
    versions
        Versions of the libraries that made the results.
    provenance
        One row a result file.
    references
        Runs made elsewhere, whose verdicts stand beside these.
    """

    sections: Sections
    config: Mapping[str, Any]
    claims: pd.DataFrame
    assumptions: pd.DataFrame
    remarks: pd.DataFrame
    figures: Sequence[Figure]
    tables: Sequence[Table]
    runs: Mapping[str, Mapping[str, Mapping[str, Any]]]
    sources: Mapping[str, Source]
    benchmarks: pd.DataFrame
    versions: Mapping[str, str]
    provenance: pd.DataFrame
    references: Sequence[ReferenceRun]
    commit: str


def gather(
    sections: Sections,
    *,
    config: Mapping[str, Any],
    claims: pd.DataFrame,
    assumptions: pd.DataFrame,
    remarks: pd.DataFrame,
    figures: Mapping[str, tuple[str, str]],
    tables: Mapping[str, pd.DataFrame],
    sources: Sequence[Source],
    benchmarks: pd.DataFrame,
    sidecars: Mapping[str, Mapping[str, Any]],
    references: Sequence[ReferenceRun],
    commit: str,
) -> ReportData:
    """Join results with the words about them, and check that neither is without the other.

    Parameters
    ----------
    config
        The whole validated configuration as plain data, defaults included.
    figures
        SVG text and alternative text by figure name.
    tables
        Frames by table name.
    benchmarks
        One row a job: job (its path), seconds, max_rss_mb, machine (in words).
    sidecars
        Provenance by the path of the result that it lies beside.

    Raises
    ------
    UserError
        When a figure or table has no words, or the words of an experiment that ran have no figure
        or table; when a frame lacks a column, a verdict is unknown, or a data set is not given.
    """
    frames = {"claims": claims, "assumptions": assumptions, "remarks": remarks}
    frames |= {"benchmarks": benchmarks}
    for name, frame in frames.items():
        _check_columns(frame, name)
    runs = config["experiments"]
    shown = [section for section in sections.sections if runs.get(section.id)]
    _check_words(sections, shown, figures, "figures")
    _check_words(sections, shown, tables, "tables")
    by_name = {source.name: source for source in sources}
    for section in shown:
        if section.dataset is not None and section.dataset not in by_name:
            raise UserError(f"the data set {section.dataset} of {section.id} was not given")
    for source in sources:
        _check_source(sections, source)
    return ReportData(
        sections=sections,
        config=config,
        claims=claims,
        assumptions=assumptions,
        remarks=remarks,
        figures=[
            Figure(
                **words.model_dump(),
                section=section.id,
                alt=alt,
                svg=svg,
                measures=_measures(sidecars, f"figures/{words.name}.svg"),
            )
            for section in shown
            for words in section.figures
            for svg, alt in [figures[words.name]]
        ],
        tables=[
            Table(
                **words.model_dump(),
                section=section.id,
                frame=tables[words.name],
                measures=_measures(sidecars, f"tables/{words.name}.csv"),
            )
            for section in shown
            for words in section.tables
        ],
        runs={section.id: runs[section.id] for section in shown},
        sources=by_name,
        benchmarks=benchmarks,
        versions=_versions(sidecars),
        provenance=_provenance(sidecars),
        references=references,
        commit=commit,
    )


def describe_machine(record: Mapping[str, Any]) -> str:
    """Say in words what machine a job ran on, from the record beside its benchmark."""
    gpu = record["gpu"] or "no GPU"
    return f"{record['cpu']}, {record['cores']} cores, {record['memory_gb']} GB, {gpu}"


def _check_columns(frame: pd.DataFrame, name: str) -> None:
    missing = [column for column in COLUMNS[name] if column not in frame.columns]
    if missing:
        raise UserError(f"the {name} lack the column {missing[0]}: make them again")
    if name == "claims":
        unknown = sorted(set(frame["verdict"].map(str)) - set(VERDICTS))
        if unknown:
            raise UserError(f"the claims hold the unknown verdict {unknown[0]!r}")


def _check_words(
    sections: Sections, shown: Sequence[Section], given: Mapping[str, Any], kind: str
) -> None:
    for section in shown:
        for words in getattr(section, kind):
            if words.name not in given:
                raise UserError(f"{kind}/{words.name}, which sections.yaml names, was not given")
    known = {words.name for section in sections.sections for words in getattr(section, kind)}
    for name in given:
        if name not in known:
            raise UserError(f"{kind}/{name} has no caption: write one into sections.yaml")


def _check_source(sections: Sections, source: Source) -> None:
    known = sections.datasets.get(source.name)
    if known is None or source.label not in known.words:
        raise UserError(
            f"sections.yaml has no words for {source.name} data labelled {source.label!r}"
        )


def _versions(sidecars: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Collect library versions; where results were made with several, all of them show."""
    found: dict[str, set[str]] = {}
    for record in sidecars.values():
        for name, version in record.get("versions", {}).items():
            found.setdefault(name, set()).add(str(version))
    return {name: ", ".join(sorted(found[name])) for name in sorted(found)}


def _measures(sidecars: Mapping[str, Mapping[str, Any]], name: str) -> tuple[str, ...]:
    """Name what a figure or table was made of, as its sidecar says, without the results folder."""
    record = next((r for path, r in sidecars.items() if path.endswith(f"/{name}")), {})
    inputs = sorted(record.get("inputs", {}))
    return tuple(path.removeprefix("results/") for path in inputs if path.startswith("results/"))


def _provenance(sidecars: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row a result; a digest is cut to what tells it apart, the sidecar has all of it."""
    rows = [
        [path, *(record.get(key) for key in PROVENANCE), len(record.get("inputs", {}))]
        for path, record in sorted(sidecars.items())
    ]
    frame = pd.DataFrame(rows, columns=["file", *PROVENANCE, "inputs"])
    frame["code"] = frame["code"].map(lambda digest: str(digest)[:12] if digest else None)
    return frame
