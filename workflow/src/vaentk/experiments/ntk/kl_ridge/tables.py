"""Table of Theorem 2 with the KL term."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack

COLUMNS = {
    "KL": "error_kl",
    "Eq. 12, isotropic": "error_isotropic",
    "n beta": "error_n_beta",
    "beta": "error_beta",
}
"""Column of the error to each reading."""


def kl_ridge(summaries: Tables) -> pd.DataFrame:
    """Table of the held-out error to every reading side by side, and which is nearest.

    Beside them, how far outputs went in the last half of the time, the most over seeds.
    """
    table = stack(summaries)
    table = table[table["images"] == "held-out"]
    keys = ["run", "sigma", "beta", "width"]
    columns = {
        name: table[table["reading"] == reading].set_index(keys)["error"]
        for reading, name in COLUMNS.items()
    }
    of_case = table.groupby(keys)[["nearest", "late_change"]].first()
    side_by_side = pd.DataFrame(columns).join(of_case).reset_index()
    ordered = side_by_side.sort_values(["sigma", "beta", "width"], kind="stable")
    runs = list(summaries)
    return ordered.sort_values("run", key=lambda names: names.map(runs.index), kind="stable")
