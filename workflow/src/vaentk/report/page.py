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

from vaentk.claims.verdicts import NOT_RUN
from vaentk.report.captions import Section
from vaentk.report.contents import ReportData
from vaentk.report.inputs import inputs
from vaentk.report.reference import SIGNS, agreement
from vaentk.report.run_times import describe_machine
from vaentk.report.statements import claim_groups, overview, statements
from vaentk.report.text import MISSING, number, plain, quantity, typeset

FOLD_ABOVE = 36
"""Tables with more rows than this start folded."""

LOW = re.compile(r"(^|_)low$")
HIGH = re.compile(r"(^|_)high$")


@dataclass(frozen=True)
class Column:
    """A table's heading, whether its cells are numbers, and the cells as text.

    ``values`` are the full numbers that the cells are sorted by, empty where there is none.
    """

    heading: str
    numeric: bool
    cells: list[str]
    values: list[str]


def render(template: str, style: str, script: str, data: ReportData) -> str:
    """Fill the page, or its summary.

    Parameters
    ----------
    template
        Text of `index.html.j2` or `summary.html.j2`.
    style
        Text of `style.css`, which is put into the page.
    script
        Text of `page.js`, which is put into the page; the page's policy allows it by its hash and
        no other script.
    data
        What `gather` returns.

    Returns
    -------
    str
        An HTML document that needs no other file and no network. Equal data gives equal text; what
        differs from run to run (times, memory, machines) stands in the section ``run-times`` alone.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"typeset": typeset, "number": number, "quantity": quantity}
    environment.filters |= {"plain": plain}
    rows = statements(data)
    groups = claim_groups(data, rows)
    verdicts = {row.id: row.verdict for row in rows}
    return environment.from_string(template).render(
        data=data,
        style=Markup(style),
        script=Markup(script),
        script_hash=_policy_hash(script),
        shown=[section for section in data.text.sections if section.id in data.runs],
        signs=SIGNS,
        counts={verdict: int((data.claims["verdict"] == verdict).sum()) for verdict in SIGNS},
        statements=rows,
        machine_of=describe_machine,
        groups=groups,
        overview=overview(data, groups),
        headlines=[row for row in rows if row.headline],
        only_elsewhere=[row for row in rows if row.verdict == NOT_RUN and row.elsewhere],
        agreements=[agreement(run, verdicts) for run in data.references],
        columns_of=lambda frame, section=None: columns(frame, *_headings(data, section)),
        settings_of=settings,
        inputs_of=lambda section: inputs(data, section),
        origins=data.text.origins,
        drawn={figure.name for figure in data.figures},
        machines=sorted(set(data.run_times["machine"])),
        jobs=_jobs(data.run_times),
        config_text=yaml.safe_dump(data.config, sort_keys=False, allow_unicode=True),
        fold_above=FOLD_ABOVE,
    )


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
        numeric = _is_numeric(frame[name])
        values = [repr(float(v)) if numeric and pd.notna(v) else "" for v in frame[name]]
        made.append(Column(heading, numeric, cells, values))
    return made


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


def _jobs(run_times: pd.DataFrame) -> pd.DataFrame:
    """Leave out the machine where all jobs ran on one, which the page names above the table."""
    one = run_times["machine"].nunique() < 2
    return run_times.drop(columns="machine") if one else run_times


def _policy_hash(script: str) -> str:
    """Write what a content security policy names an inline script by."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _is_numeric(cells: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
