"""The page: contents put into the template."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup

from vaentk.report.contents import VERDICTS, ReportData, Source
from vaentk.report.text import MISSING, number, quantity, typeset
from vaentk.report.words import Section

FOLD_ABOVE = 36
"""Tables with more rows than this start folded."""

LOW = re.compile(r"(^|_)low$")
HIGH = re.compile(r"(^|_)high$")


@dataclass(frozen=True)
class Column:
    """A table's heading, whether its cells are numbers, and the cells as text."""

    heading: str
    numeric: bool
    cells: list[str]


@dataclass(frozen=True)
class Group:
    """The claims of one protocol, those with a measured verdict apart."""

    label: str
    title: str
    tested: list[dict[str, Any]]
    untested: list[dict[str, Any]]


def render(template: str, style: str, data: ReportData) -> str:
    """Fill the page.

    Parameters
    ----------
    template
        Text of `index.html.j2`.
    style
        Text of `style.css`, which is put into the page.
    data
        What `gather` returns.

    Returns
    -------
    str
        An HTML document that needs no other file and no network. Equal data gives equal text; what
        differs from run to run (times, machines) stands in the section ``run-times`` alone.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"typeset": typeset, "number": number, "quantity": quantity}
    labels, formats = data.sections.labels, data.sections.formats
    return environment.from_string(template).render(
        data=data,
        style=Markup(style),
        shown=[section for section in data.sections.sections if section.id in data.runs],
        signs=VERDICTS,
        counts={verdict: int((data.claims["verdict"] == verdict).sum()) for verdict in VERDICTS},
        groups=list(claim_groups(data)),
        columns_of=lambda frame: columns(frame, labels, formats),
        settings_of=settings,
        inputs_of=lambda section: inputs(data, section),
        origins=data.sections.origins,
        drawn={figure.name for figure in data.figures},
        machines=sorted(set(data.benchmarks["machine"])),
        config_text=yaml.safe_dump(data.config, sort_keys=False, allow_unicode=True),
        fold_above=FOLD_ABOVE,
    )


def columns(
    frame: pd.DataFrame, labels: Mapping[str, str], formats: Mapping[str, str]
) -> list[Column]:
    """Turn a frame into columns of text; ``x_low`` and ``x_high`` become one interval."""
    made = []
    for name in map(str, frame.columns):
        high = LOW.sub(r"\1high", name)
        if HIGH.search(name) and HIGH.sub(r"\1low", name) in frame:
            continue
        spec = formats.get(name)
        cells = [number(value, spec) for value in frame[name]]
        heading = labels.get(name, name.replace("_", " "))
        if high != name and high in frame:
            cells = [
                MISSING if below == MISSING else f"[{below}, {number(above, spec)}]"
                for below, above in zip(cells, frame[high], strict=True)
            ]
            heading = labels.get(LOW.sub(r"\1interval", name), labels["interval"])
        made.append(Column(heading, _is_numeric(frame[name]), cells))
    return made


def settings(runs: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row a setting (a dotted key) and one column a run."""
    flat = {name: dict(_flatten(values)) for name, values in runs.items()}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    rows = [[key, *(number(values.get(key)) for values in flat.values())] for key in keys]
    return pd.DataFrame(rows, columns=["setting", *flat])


def inputs(data: ReportData, section: Section) -> list[tuple[str, str]]:
    """Say for each run what it was trained on: which data, how many images, at what size.

    Returns
    -------
    list
        Name of the run, and the words.
    """
    if section.drawn is not None:
        return [
            (run, section.drawn.format(**values["data"]))
            for run, values in data.runs[section.id].items()
        ]
    if section.dataset is None:
        return [
            (run, _origin(data, source) + _part(source, trained))
            for run, values in data.runs[section.id].items()
            for trained in (_trained(data, values),)
            for source in data.sources.values()
            if _is_of(source, trained)
        ]
    source = data.sources[section.dataset]
    origin = _origin(data, source)
    said = []
    for run, values in data.runs[section.id].items():
        given = values["inputs"]
        side = given["resolution"]
        size = f"{side}×{side} pixels" if side == source.pixels else f"mean-pooled to {side}×{side}"
        kept = given.get("components")
        size += f", {kept} principal components" if kept else ""
        words = f"{origin}, {given['samples']:,} images, {size}, {given['scaling']}"
        said.append((run, words))
    return said


def _trained(data: ReportData, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a run, or of the run of deep VAEs that it names as its network."""
    named = values.get("network")
    return data.runs["deep_vae"][named] if isinstance(named, str) else values


def _is_of(source: Source, values: Mapping[str, Any]) -> bool:
    """Whether a run takes the images of a source; a deep network takes faces uncropped."""
    if "network" not in values:
        return bool(source.dataset == values["dataset"])
    cropped = source.name == "celeba"
    return source.dataset.startswith(values["network"]["dataset"]) and not cropped


def _part(source: Source, values: Mapping[str, Any]) -> str:
    """Say how much of a source a deep network is trained on, and at what size."""
    if "network" not in values:
        return ""
    side, images = values["network"]["side"], values["network"]["images"]
    words = f", {images:,} of them for training" if images else ""
    return words + (f", mean-pooled to {side}×{side}" if side != source.pixels else "")


def _origin(data: ReportData, source: Source) -> str:
    words = data.sections.datasets[source.name].words[source.label]
    return words.format(images=f"{source.images:,}")


def claim_groups(data: ReportData) -> Iterator[Group]:
    """Yield the claims by protocol, those protocols first of which something was measured."""
    claims = data.claims.astype(object).where(data.claims.notna(), "")
    labels = claims["id"].astype(str).str.partition("-")[0]
    measured = set(labels[claims["verdict"] != "not run"])
    present = [*data.sections.protocols, *labels]
    order = [name for name in dict.fromkeys(present) if name in set(labels)]
    figures = {figure.name for figure in data.figures}
    for label in sorted(order, key=lambda name: name not in measured):
        rows = [_claim(figures, row) for row in claims[labels == label].to_dict("records")]
        yield Group(
            label,
            data.sections.protocols.get(label, ""),
            [row for row in rows if row["verdict"] != "not run"],
            [row for row in rows if row["verdict"] == "not run"],
        )


def _claim(figures: set[str], row: Mapping[Any, Any]) -> dict[str, Any]:
    """Name a claim's figure where the page shows it."""
    figure = str(row["figure"]).rpartition("/")[2].removesuffix(".svg")
    known = {str(key): value for key, value in row.items()}
    return known | {"figure": figure if figure in figures else ""}


def _is_numeric(cells: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
