"""Two runs side by side: settings and verdicts that differ, numbers too far apart for chance.

Two numbers x and y with 95% intervals are ``1.96 |x - y| / sqrt(h^2 + k^2)`` standard errors apart,
h and k being what of each interval lies towards the other number. Reported are those whose
difference is found at a false discovery rate of 5% over all numbers of the runs together. A
number without an interval is not compared. Figures and tables are made of the same measures.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import hypot, inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

from vaentk.errors import UserError
from vaentk.runtime import io

CLAIMS, MEASURES = Path("claims/claims.csv"), Path("measure")

SETTINGS_COLUMNS = ("setting", "A", "B")
CLAIM_COLUMNS = ("claim", "A", "B", "measured A", "measured B", "statement")
NUMBER_COLUMNS = ("measure", "row", "number", "A", "B")

LEVEL = 0.05
TWO_SIDED = float(norm.isf(0.025))
"""Standard errors from a number to an end of its 95% interval."""

Triple = tuple[float, float, float]


class Pair(NamedTuple):
    """One number of both runs: where it is, and value, low and high of each."""

    place: tuple[str, str, str]
    a: Triple
    b: Triple

    @property
    def errors_apart(self) -> float:
        """Difference over its standard error."""
        (x, x_low, x_high), (y, y_low, y_high) = self.a, self.b
        if x == y:
            return 0.0
        halves = (x_high - x, y - y_low) if x < y else (x - x_low, y_high - y)
        spread = hypot(*halves)
        return TWO_SIDED * abs(x - y) / spread if spread else inf


@dataclass(frozen=True, eq=False)
class Comparison:
    """What differs between two runs, all text.

    Attributes
    ----------
    settings
        `SETTINGS_COLUMNS`: keys of the configuration.
    claims
        `CLAIM_COLUMNS`: statements whose verdict changed, or that one run alone has.
    numbers
        `NUMBER_COLUMNS`: each with its interval.
    unmatched
        Measures that one run alone has, or whose rows are not the other's.
    compared
        Numbers with an interval that both runs have.
    """

    settings: pd.DataFrame
    claims: pd.DataFrame
    numbers: pd.DataFrame
    unmatched: list[str]
    compared: int


def compare(a: Path, b: Path) -> Comparison:
    """Compare the results of two runs.

    Parameters
    ----------
    a, b
        Folders ``results`` of finished runs.

    Raises
    ------
    UserError
        If a folder holds no finished run.
    """
    for folder in (a, b):
        if not (folder / CLAIMS).is_file():
            raise UserError(
                f"{folder} is not the results folder of a finished run: there is no {CLAIMS} in it."
            )
    first, second = _measures(a), _measures(b)
    pairs: list[Pair] = []
    unmatched = []
    for path in sorted(first | second):
        if path not in first or path not in second:
            unmatched.append(f"{path}: in {'A' if path in first else 'B'} alone")
            continue
        left, right = (io.read_table(folder / MEASURES / path) for folder in (a, b))
        if not _same_rows(left, right):
            unmatched.append(f"{path}: its rows differ")
            continue
        for columns in _intervals(left):
            pairs += _pairs(path, left, right, columns)
    return Comparison(
        pd.DataFrame(_settings(a, b), columns=list(SETTINGS_COLUMNS)),
        pd.DataFrame(_claims(a, b), columns=list(CLAIM_COLUMNS)),
        pd.DataFrame(_apart(pairs), columns=list(NUMBER_COLUMNS)),
        unmatched,
        len(pairs),
    )


def _measures(folder: Path) -> set[str]:
    root = folder / MEASURES
    return {path.relative_to(root).as_posix() for path in root.rglob("*.csv")}


def _flat(settings: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting that holds no others, by its dotted key."""
    if not isinstance(settings, Mapping) or not settings:
        yield key, json.dumps(settings)
        return
    for name, value in settings.items():
        yield from _flat(value, f"{key}.{name}" if key else name)


def _settings(a: Path, b: Path) -> list[tuple[str, str, str]]:
    """List the keys of the configuration that differ; empty where a run lacks one."""
    flat = []
    for folder in (a, b):
        record = json.loads(io.read_text(folder / f"{CLAIMS}.json"))
        flat.append(dict(_flat(record["parameters"]["settings"])))
    first, second = flat
    keys = [key for key in first | second if first.get(key) != second.get(key)]
    return [(key, first.get(key, ""), second.get(key, "")) for key in keys]


def _claims(a: Path, b: Path) -> list[tuple[str, ...]]:
    first, second = (
        io.read_table(folder / CLAIMS, as_text=True).set_index("id") for folder in (a, b)
    )
    rows = []
    for name in dict.fromkeys([*first.index, *second.index]):
        pair = [claims.loc[name] if name in claims.index else None for claims in (first, second)]
        verdicts = ["absent" if row is None else row["verdict"] for row in pair]
        if verdicts[0] == verdicts[1]:
            continue
        measured = [
            "" if row is None else f"{row['measured']} {row['interval']}".strip() for row in pair
        ]
        statement = next(row["statement"] for row in pair if row is not None)
        rows.append((name, *verdicts, *measured, statement))
    return rows


def _intervals(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Find numbers with an interval: x, x_low, x_high, or low and high behind their number."""
    columns = list(table.columns)
    triples = [
        (name, f"{name}_low", f"{name}_high")
        for name in columns
        if {f"{name}_low", f"{name}_high"} <= set(columns)
    ]
    if {"low", "high"} <= set(columns) and columns.index("low") > 0:
        triples.append((columns[columns.index("low") - 1], "low", "high"))
    return triples


def _names(table: pd.DataFrame) -> list[str]:
    """Columns that say what a row is about: text and whole numbers, but what was measured."""
    measured = {name for triple in _intervals(table) for name in triple}
    kinds = table.dtypes
    return [
        name
        for name in table.columns
        if name not in measured
        and not pd.api.types.is_float_dtype(kinds[name])
        and not pd.api.types.is_bool_dtype(kinds[name])
    ]


def _same_rows(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Say whether rows can be compared one by one: the same texts in the same order."""
    if list(left.columns) != list(right.columns) or len(left) != len(right):
        return False
    texts = [name for name in _names(left) if not pd.api.types.is_numeric_dtype(left[name])]
    return all(left[name].equals(right[name]) for name in texts)


def _pairs(
    path: str, left: pd.DataFrame, right: pd.DataFrame, columns: tuple[str, str, str]
) -> Iterator[Pair]:
    """Pair the numbers of two measures row by row, where both have an interval."""
    names = _names(left)
    rows = left[names].to_dict("records")
    ours, theirs = (table[list(columns)].to_numpy(float) for table in (left, right))
    for row, x, y in zip(rows, ours, theirs, strict=True):
        if not (np.isnan(x).any() or np.isnan(y).any()):
            about = ", ".join(f"{name} {value}" for name, value in row.items())
            yield Pair((path, about, columns[0]), tuple(x), tuple(y))


def _apart(pairs: list[Pair]) -> list[tuple[str, ...]]:
    """List the pairs that chance does not explain."""
    if not pairs:
        return []
    p_values = 2 * norm.sf([pair.errors_apart for pair in pairs])
    chosen = false_discovery_control(p_values) <= LEVEL
    return [
        (*pair.place, *(f"{x:.4g} [{low:.4g}, {high:.4g}]" for x, low, high in (pair.a, pair.b)))
        for pair, take in zip(pairs, chosen, strict=True)
        if take
    ]


def describe(comparison: Comparison, a: str, b: str) -> str:
    """Write a comparison as text for a terminal."""
    parts = [f"A is {a}, B is {b}."]
    tables = (
        ("Settings that differ", comparison.settings),
        ("Claims whose verdict changed", comparison.claims),
        ("Numbers too far apart for chance", comparison.numbers),
    )
    for heading, table in tables:
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
