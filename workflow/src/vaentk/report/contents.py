"""What the report shows: results joined with the words about them."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaentk.claims import assumptions, remarks, verdicts
from vaentk.errors import UserError
from vaentk.report import run_times
from vaentk.report.captions import PAGE, PageText, Section
from vaentk.report.reference import ReferenceRun

COLUMNS = {
    "claims": verdicts.COLUMNS,
    "assumptions": assumptions.COLUMNS,
    "remarks": remarks.COLUMNS,
    "run times": run_times.COLUMNS,
}
"""What the tables have to hold that the page shows."""

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
    images
        Name of the source whose images a run takes, by run, by section; None where it draws its
        own data.
    run_times
        What differs from run to run; the section of that name alone shows it.
    versions
        Versions of the libraries that made the results.
    provenance
        One row a result file.
    references
        Runs made elsewhere, whose verdicts stand beside these.
    """

    text: PageText
    config: Mapping[str, Any]
    claims: pd.DataFrame
    assumptions: pd.DataFrame
    remarks: pd.DataFrame
    figures: Sequence[Figure]
    tables: Sequence[Table]
    runs: Mapping[str, Mapping[str, Mapping[str, Any]]]
    images: Mapping[str, Mapping[str, str | None]]
    sources: Mapping[str, Source]
    run_times: pd.DataFrame
    versions: Mapping[str, str]
    provenance: pd.DataFrame
    references: Sequence[ReferenceRun]
    commit: str


def gather(
    text: PageText,
    *,
    config: Mapping[str, Any],
    claims: pd.DataFrame,
    assumptions: pd.DataFrame,
    remarks: pd.DataFrame,
    figures: Mapping[str, tuple[str, str]],
    tables: Mapping[str, pd.DataFrame],
    images: Mapping[str, Mapping[str, str | None]],
    sources: Sequence[Source],
    run_times: pd.DataFrame,
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
    images
        By experiment and run, the source whose images it takes; None where it draws its own.
    run_times
        As `read_run_times` returns them.
    sidecars
        Provenance by the path of the result that it lies beside.

    Raises
    ------
    UserError
        When a figure or table has no words, or the words of an experiment that ran have no figure
        or table; when a frame lacks a column, a verdict is unknown, or a data set is not given.
    """
    frames = {"claims": claims, "assumptions": assumptions, "remarks": remarks}
    frames |= {"run times": run_times}
    for name, frame in frames.items():
        _check_columns(frame, name)
    runs = config["experiments"]
    shown = [section for section in text.sections if runs.get(section.id)]
    _check_captions(text, shown, figures, "figures")
    _check_captions(text, shown, tables, "tables")
    by_name = {source.name: source for source in sources}
    for section in shown:
        for taken in images[section.id].values():
            if taken is not None and taken not in by_name:
                raise UserError(f"the data set {taken} of {section.id} was not given")
    for source in sources:
        _check_source(text, source)
    return ReportData(
        text=text,
        config=config,
        claims=claims,
        assumptions=assumptions,
        remarks=remarks,
        figures=[
            Figure(
                **entry.model_dump(),
                section=section.id,
                alt=alt,
                svg=svg,
                measures=_measures(sidecars, f"figures/{entry.name}.svg"),
            )
            for section in shown
            for entry in section.figures
            for svg, alt in [figures[entry.name]]
        ],
        tables=[
            Table(
                **entry.model_dump(),
                section=section.id,
                frame=tables[entry.name],
                measures=_measures(sidecars, f"tables/{entry.name}.csv"),
            )
            for section in shown
            for entry in section.tables
        ],
        runs={section.id: runs[section.id] for section in shown},
        images=images,
        sources=by_name,
        run_times=run_times,
        versions=_versions(sidecars),
        provenance=_provenance(sidecars),
        references=references,
        commit=commit,
    )


def _check_columns(frame: pd.DataFrame, name: str) -> None:
    missing = [column for column in COLUMNS[name] if column not in frame.columns]
    if missing:
        raise UserError(f"the {name} lack the column {missing[0]}: make them again")
    if name == "claims":
        unknown = sorted(set(frame["verdict"].map(str)) - set(verdicts.VERDICTS))
        if unknown:
            raise UserError(f"the claims hold the unknown verdict {unknown[0]!r}")


def _check_captions(
    text: PageText, shown: Sequence[Section], given: Mapping[str, Any], kind: str
) -> None:
    for section in shown:
        for entry in getattr(section, kind):
            if entry.name not in given:
                raise UserError(f"{kind}/{entry.name}, which has a caption, was not given")
    captioned = {entry.name for section in text.sections for entry in getattr(section, kind)}
    for name in given:
        if name not in captioned:
            raise UserError(f"{kind}/{name} has no caption: write one into its words.yaml")


def _check_source(text: PageText, source: Source) -> None:
    dataset = text.datasets.get(source.name)
    if dataset is None or source.label not in dataset.words:
        raise UserError(f"{PAGE} has no words for {source.name} data labelled {source.label!r}")


def _versions(sidecars: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Collect library versions; where results were made with several, all of them show."""
    versions: dict[str, set[str]] = {}
    for record in sidecars.values():
        for name, version in record.get("versions", {}).items():
            versions.setdefault(name, set()).add(str(version))
    return {name: ", ".join(sorted(versions[name])) for name in sorted(versions)}


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
