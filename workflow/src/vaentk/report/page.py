"""The pages: contents put into the templates."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from vaentk.claims.verdicts import NOT_RUN, VERDICTS
from vaentk.report.captions import Section
from vaentk.report.contents import ReportData
from vaentk.report.findings import findings, takeaway
from vaentk.report.inputs import inputs
from vaentk.report.reference import agreement
from vaentk.report.run_times import describe_machine
from vaentk.report.statements import claim_groups, overview, side_by_side, statements
from vaentk.report.strips import strip
from vaentk.report.text import MISSING, number, plain, quantity, rounded, typeset

SIGNS = dict(zip(VERDICTS, "✓✗?∅–", strict=True))
"""Every verdict a claim can have, with the sign that stands beside its colour."""

FEWEST = 3
"""Rows from which on a column of one value is left out of a table."""

FOLD_ABOVE = 36
"""Tables with more rows than this start folded."""

LOW = re.compile(r"(^|_)low$")
HIGH = re.compile(r"(^|_)high$")


@dataclass(frozen=True)
class Column:
    """A table's heading, whether its cells are numbers, and the cells as text.

    ``values`` are the numbers that the cells are sorted by, empty where there is none.
    """

    heading: str
    numeric: bool
    cells: list[str]
    values: list[str]


def render(template: str, style: str, script: str, data: ReportData) -> str:
    """Fill the page, or its summary: an HTML document that needs no other file and no network.

    ``template`` is the text of `index.html.j2` or `summary.html.j2`; ``style`` and ``script`` are
    those of `style.css` and `page.js`, which are put into the page. The page's policy allows the
    script by its hash and no other. Equal data gives equal text; what differs from run to run
    (times, memory, machines) stands in the section ``run-times`` alone.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {f.__name__: f for f in (typeset, number, quantity, rounded, plain)}
    rows, jobs = statements(data), data.run_times
    if jobs["machine"].nunique() < 2:
        jobs = jobs.drop(columns="machine")  # which the page names above the table
    groups = claim_groups(data, rows)
    verdicts = {row.id: row.verdict for row in rows}
    return environment.from_string(template).render(
        data=data,
        style=Markup(style),
        script=Markup(script),
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        signs=SIGNS,
        counts={
            verdict: {
                origin: sum(row.verdict == verdict and row.origin == origin for row in rows)
                for origin in ("paper", "ours")
            }
            for verdict in SIGNS
        },
        tested={
            origin: sum(row.verdict != NOT_RUN for row in rows if row.origin == origin)
            for origin in ("paper", "ours")
        },
        statements=rows,
        machine_of=describe_machine,
        groups=groups,
        overview=overview(data, groups),
        headlines=[row for row in rows if row.headline],
        findings=findings(data, rows),
        takeaway_of=lambda figure: takeaway(figure, rows),
        scale=scale(data.config),
        strip=strip,
        only_elsewhere=[row for row in rows if row.verdict == NOT_RUN and row.elsewhere],
        agreements=[agreement(run, verdicts) for run in data.references],
        side_by_side=side_by_side(rows, data.references),
        columns_of=lambda frame, section=None: columns(varied(frame), *_headings(data, section)),
        constants_of=lambda frame, section=None: constants(frame, *_headings(data, section)),
        settings_of=settings,
        inputs_of=lambda section: inputs(data, section),
        origins=data.text.origins,
        machines=sorted(set(data.run_times["machine"])),
        jobs=jobs,
        config_text=yaml.safe_dump(data.config, sort_keys=False, allow_unicode=True),
        fold_above=FOLD_ABOVE,
    )


def scale(config: Mapping[str, Any]) -> str:
    """Say in a line how large a run is: how many runs, images, widths and seeds at most."""
    runs = [run for kind in config["experiments"].values() for run in kind.values()]
    images = [run["inputs"]["samples"] for run in runs if "inputs" in run]
    widths = [max(run["widths"]) for run in runs if run.get("widths") and "inputs" in run]
    seeds = [len(run["seeds"]) for run in runs if "seeds" in run]
    said = [f"{len(runs)} runs of {sum(map(bool, config['experiments'].values()))} experiments"]
    for values, words in ((images, "images"), (widths, "units a layer"), (seeds, "seeds")):
        if values:
            said.append(f"up to {max(values):,} {words}")
    return ", ".join(said)


def columns(
    frame: pd.DataFrame, headings: Mapping[str, str], formats: Mapping[str, str]
) -> list[Column]:
    """Turn a frame into columns of text; ``x_low`` and ``x_high`` become one interval.

    ``headings`` and Python ``formats`` are by the column's name; a column without a heading is
    headed by its name.
    """
    made = []
    for name in map(str, frame.columns):
        high = LOW.sub(r"\1high", name)
        if HIGH.search(name) and HIGH.sub(r"\1low", name) in frame:
            continue
        spec = formats.get(name)
        cells = [number(value, spec) for value in frame[name]]
        heading = headings.get(name, name.replace("_", " "))
        if high != name and high in frame:
            cells = [
                MISSING if below == MISSING else f"[{below}, {number(above, spec)}]"
                for below, above in zip(cells, frame[high], strict=True)
            ]
            heading = headings["interval"]
        numeric = is_numeric_dtype(frame[name]) and not is_bool_dtype(frame[name])
        values = [f"{float(v):.6g}" if numeric and pd.notna(v) else "" for v in frame[name]]
        made.append(Column(heading, numeric, cells, values))
    return made


def constants(
    frame: pd.DataFrame, headings: Mapping[str, str], formats: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Heading and cell of columns that have one value in all rows, for the caption.

    The first column, and numbers with an interval, stand in the table whatever they are.
    """
    if len(frame) < FEWEST:
        return []
    kept = [name for name in map(str, frame.columns[1:]) if not _has_interval(name, frame)]
    alike = frame[[name for name in kept if frame[name].astype(str).nunique() == 1]]
    made = columns(alike.head(1), headings, formats)
    return [(column.heading, column.cells[0]) for column in made if column.cells[0] != MISSING]


def _has_interval(name: str, frame: pd.DataFrame) -> bool:
    """Whether a column is a number with an interval, or an end of one."""
    names = list(map(str, frame.columns))
    with_ends = names[names.index("low") - 1] if "low" in names else ""
    ends = LOW.search(name) or HIGH.search(name)
    return bool(ends) or f"{name}_low" in names or name == with_ends


def varied(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the columns that have one value, or nothing, in all rows; see `constants`."""
    if len(frame) < FEWEST:
        return frame
    first, *others = map(str, frame.columns)
    kept = [
        name
        for name in others
        if _has_interval(name, frame) or frame[name].astype(str).nunique() > 1
    ]
    return frame[[first, *kept]]


def settings(runs: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row a setting (a dotted key) and one column a run."""
    flat = {name: dict(_flatten(values)) for name, values in runs.items()}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    rows = [[key, *(number(values.get(key)) for values in flat.values())] for key in keys]
    return pd.DataFrame(rows, columns=["setting", *flat])


def _headings(data: ReportData, section: Section | None) -> tuple[dict[str, str], dict[str, str]]:
    """Headings and formats of the columns of an experiment's tables, or of any other."""
    shared = data.text.columns, data.text.formats
    return shared if section is None else (shared[0] | section.columns, shared[1] | section.formats)


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
