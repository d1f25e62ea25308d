"""Tables of Theorem 2."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack

RIDGE_COLUMNS = {"beta": "error_beta", "n beta": "error_n_beta", "2 n beta": "error_2_n_beta"}
"""Column of the error to each reading of Theorem 2's ridge."""


def ridge(summaries: Tables) -> pd.DataFrame:
    """Table of Theorem 2: the error to the three ridges side by side, and which is nearest."""
    table = _told_apart(stack(summaries))
    keys = ["run", "initial", "with_initial", "beta", "width"]
    groups = table.groupby(keys, sort=False)
    columns = {
        name: table[table["reading"] == reading].set_index(keys)["error"]
        for reading, name in RIDGE_COLUMNS.items()
    }
    side_by_side = pd.DataFrame(columns | {"nearest": groups["nearest"].first()}).reset_index()
    return _by_case(side_by_side, list(summaries))


def ridge_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of Theorem 2's powers of the width."""
    return _by_case(_told_apart(stack(slopes)), list(slopes))


def ridge_error_term(terms: Tables) -> pd.DataFrame:
    """Table of Theorem 2's bound by width and beta, means over seeds."""
    columns = ["initial_worst", "kernel_norm", "bound", "error_worst", "over_bound"]
    groups = stack(terms).groupby(["run", "initial", "beta", "width"], as_index=False)
    averaged: pd.DataFrame = groups[columns].mean()
    return _by_case(averaged, list(terms))


def ridge_growth(growths: Tables) -> pd.DataFrame:
    """Table of the power of the width of the worst error over the bound, and where that is 1."""
    ends = ("", "_low", "_high")
    columns = [f"{name}{end}" for name in ("exponent", "crossing") for end in ends]
    table = stack(growths)[["run", "initial", "beta", *columns, "crossing_by"]]
    return _by_case(table, list(growths))


def ridge_displacements(displacements: Tables) -> pd.DataFrame:
    """Table of what the penalty does; ``condition`` is said to be the inputs'."""
    return stack(displacements).rename(columns={"condition": "input_condition"})


def _told_apart(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the antisymmetric network without f_0, which is the same as with it: f_0 = 0."""
    return table[table["with_initial"] | (table["initial"] == "standard")]


def _by_case(table: pd.DataFrame, runs: list[str]) -> pd.DataFrame:
    """Order rows by run, the standard initialisation and predictions with f_0 first, then beta."""
    falling = ["initial", "with_initial"]
    keys = [key for key in ("quantity", *falling, "beta", "width") if key in table]
    ordered = table.sort_values(keys, ascending=[k not in falling for k in keys], kind="stable")
    return ordered.sort_values("run", key=lambda names: names.map(runs.index), kind="stable")
