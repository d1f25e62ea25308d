"""Two runs side by side: settings and verdicts that differ, numbers too far apart for chance.

Two numbers x and y with 95% intervals are ``1.96 |x - y| / sqrt(h^2 + k^2)`` standard errors apart,
h and k being what of each interval lies towards the other number. Reported are those whose
difference is found at a false discovery rate of 5% over all numbers of the runs together. A
number without an interval is not compared. Figures and tables are made of the same measures.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype
from scipy.stats import false_discovery_control, norm

from vaentk.errors import UserError
from vaentk.report.text import quantity, typeset
from vaentk.runtime import io, records

CLAIMS, MEASURES = Path("claims/claims.csv"), Path("measure")

PAGE = Path("results/compare.html")
"""Where a comparison is left as a page."""

PLACE, ENDS = ["measure", "row", "number"], ["value", "low", "high"]

LEVEL = 0.05
TWO_SIDED = float(norm.isf(0.025))
"""Standard errors from a number to an end of its 95% interval."""


class Comparison(NamedTuple):
    """What differs between two runs A and B, in tables of text.

    ``settings`` are keys of the configuration, ``claims`` statements whose verdict changed or that
    one run alone has, ``numbers`` those too far apart, each with its interval. ``unmatched`` names
    measures that one run alone has, or whose rows are not the other's; ``compared`` counts the
    numbers with an interval that both runs have.
    """

    settings: pd.DataFrame
    claims: pd.DataFrame
    numbers: pd.DataFrame
    unmatched: list[str]
    compared: int


def compare(a: Path, b: Path) -> Comparison:
    """Compare the folders ``results`` of two runs; one without a finished run is a `UserError`."""
    for folder in (a, b):
        if not (folder / CLAIMS).is_file():
            raise UserError(
                f"{folder} is not the results folder of a finished run: there is no {CLAIMS} in it."
            )
    for folder in (a, b):
        records.checked([folder / CLAIMS, *(folder / MEASURES).rglob("*.csv")])
    pairs = [pd.DataFrame(columns=[*PLACE, *(f"{x}_{run}" for run in "AB" for x in ENDS)])]
    unmatched = []
    first, second = (
        {path.relative_to(folder / MEASURES) for path in (folder / MEASURES).rglob("*.csv")}
        for folder in (a, b)
    )
    for path in sorted(first | second):
        if path not in first & second:
            unmatched.append(f"{path}: in {'A' if path in first else 'B'} alone")
            continue
        left, right = (io.read_table(folder / MEASURES / path) for folder in (a, b))
        if _same_rows(left, right):
            pairs += [_pairs(str(path), left, right, columns) for columns in _intervals(left)]
        else:
            unmatched.append(f"{path}: its rows differ")
    numbers = pd.concat(pairs).dropna()
    return Comparison(_settings(a, b), _claims(a, b), _apart(numbers), unmatched, len(numbers))


def _flat(settings: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting that holds no others, by its dotted key."""
    if not isinstance(settings, Mapping) or not settings:
        yield key, json.dumps(settings)
        return
    for name, value in settings.items():
        yield from _flat(value, f"{key}.{name}" if key else name)


def _settings(a: Path, b: Path) -> pd.DataFrame:
    """List the keys of the configuration that differ; empty where a run lacks one."""
    own = (records.read(records.beside(folder / CLAIMS)) for folder in (a, b))
    first, second = (dict(_flat(record["parameters"]["settings"])) for record in own)
    keys = [key for key in first | second if first.get(key) != second.get(key)]
    rows = [(key, first.get(key, ""), second.get(key, "")) for key in keys]
    return pd.DataFrame(rows, columns=["setting", "A", "B"])


def _claims(a: Path, b: Path) -> pd.DataFrame:
    """List the claims whose verdict changed, with what was measured."""
    runs = [io.read_table(folder / CLAIMS, as_text=True).set_index("id") for folder in (a, b)]
    names = list(dict.fromkeys(name for run in runs for name in run.index))
    first, second = (run.reindex(names) for run in runs)
    table = pd.DataFrame({"claim": names}, index=names)
    for label, run in (("A", first), ("B", second)):
        table[label] = run["verdict"].fillna("absent")
    for label, run in (("A", first), ("B", second)):
        measured = run["measured"].fillna("") + " " + run["interval"].fillna("")
        table[f"measured {label}"] = measured.str.strip()
    table["statement"] = first["statement"].fillna(second["statement"])
    return table[table["A"] != table["B"]]


def _intervals(table: pd.DataFrame) -> list[list[str]]:
    """Find numbers with an interval: x, x_low, x_high, or low and high behind their number."""
    columns = list(table.columns)
    triples = [[name, f"{name}_low", f"{name}_high"] for name in columns]
    triples = [triple for triple in triples if set(triple) <= set(columns)]
    if {"low", "high"} <= set(columns) and columns.index("low") > 0:
        triples.append([columns[columns.index("low") - 1], "low", "high"])
    return triples


def _names(table: pd.DataFrame) -> pd.DataFrame:
    """Columns that say what a row is about: text and whole numbers, but what was measured."""
    others = table.drop(columns=[name for triple in _intervals(table) for name in triple])
    return others[[n for n in others if not is_float_dtype(others[n]) | is_bool_dtype(others[n])]]


def _same_rows(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Say whether rows can be compared one by one: the same texts in the same order."""
    if list(left.columns) != list(right.columns) or len(left) != len(right):
        return False
    names = _names(left)
    return all(left[name].equals(right[name]) for name in names if not is_numeric_dtype(left[name]))


def _pairs(path: str, left: pd.DataFrame, right: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Put the numbers of two measures side by side: where they are, value, low and high of each."""
    rows = _names(left).to_dict("records")
    about = [", ".join(f"{name} {value}" for name, value in row.items()) for row in rows]
    place = pd.DataFrame({"measure": path, "row": about, "number": columns[0]})
    numbers = (
        table[columns].astype(float).set_axis([f"{x}_{run}" for x in ENDS], axis=1)
        for run, table in (("A", left), ("B", right))
    )
    return pd.concat([place, *numbers], axis=1)


def _apart(numbers: pd.DataFrame) -> pd.DataFrame:
    """List the pairs that chance does not explain."""
    x, x_low, x_high, y, y_low, y_high = numbers.iloc[:, 3:].to_numpy(float).T
    below = x < y
    spread = np.hypot(
        np.where(below, x_high - x, x - x_low), np.where(below, y - y_low, y_high - y)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        errors_apart = np.where(x == y, 0.0, TWO_SIDED * abs(x - y) / spread)
    apart = numbers[false_discovery_control(2 * norm.sf(errors_apart)) <= LEVEL]
    table: pd.DataFrame = apart[PLACE]
    for run in "AB":
        ends = apart[[f"{name}_{run}" for name in ENDS]].to_numpy(float)
        table = table.assign(**{run: [f"{x:.4g} [{low:.4g}, {high:.4g}]" for x, low, high in ends]})
    return table


def _tables(comparison: Comparison) -> tuple[tuple[str, str, pd.DataFrame], ...]:
    """What is listed, with a name and a heading."""
    return (
        ("settings", "Settings that differ", comparison.settings),
        ("claims", "Claims whose verdict changed", comparison.claims),
        ("numbers", "Numbers too far apart for chance", comparison.numbers),
    )


def page(comparison: Comparison, a: str, b: str, template: str, style: str) -> str:
    """Write a comparison as a page, with the texts of `compare.html.j2` and `style.css`."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {"quantity": quantity, "typeset": typeset}
    return environment.from_string(template).render(
        comparison=comparison, a=a, b=b, style=Markup(style), tables=_tables(comparison)
    )


def describe(comparison: Comparison, a: str, b: str) -> str:
    """Write a comparison as text for a terminal."""
    parts = [f"A is {a}, B is {b}."]
    for _, heading, table in _tables(comparison):
        lines = [" | ".join(map(str, row)) for row in table.itertuples(index=False)]
        if lines:
            lines.insert(0, "  (" + " | ".join(table.columns) + ")")
        parts.append("\n  ".join([f"{heading}: {len(table)}", *lines]))
    if comparison.unmatched:
        parts.append("\n  ".join(["Measures not compared:", *comparison.unmatched]))
    parts.append(f"{comparison.compared} numbers with an interval were compared.")
    return "\n".join(parts)


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 3:
        sys.exit("compare: give two results folders: make compare A=results B=elsewhere/results")
    try:
        comparison = compare(Path(sys.argv[1]), Path(sys.argv[2]))
    except UserError as error:
        sys.exit(f"compare: {error}")
    print(describe(comparison, *sys.argv[1:]))
    words = (
        io.read_text(Path("workflow/report") / name) for name in ("compare.html.j2", "style.css")
    )
    io.write_text(page(comparison, *sys.argv[1:], *words), PAGE)
    print(PAGE.resolve().as_uri())
