"""Tables of Figure 2."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack

LAYER_ORDER = ("enc", "hid", "mu", "sigma", "dec")

READ_TIMES = (1.0, 0.25, 0.0625)
"""Parts of the training time at which the table of slopes is read."""


def weight_change_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of Figure 2: slope per run, layer and time with its interval, beside the claim."""
    table = stack(slopes)
    table = table[table["fraction"].isin(READ_TIMES)]
    table = table.assign(place=table["layer"].map(LAYER_ORDER.index))
    table = table.sort_values(["outputs", "place", "fraction"], ascending=[True, True, False])
    columns = ["outputs", "width_over_outputs", "layer", "fraction", "claimed"]
    return table[["run", *columns, "slope", "low", "high", "points", "width_min", "width_max"]]


def weight_change_stability(stability: Tables) -> pd.DataFrame:
    """Table of how each width was trained."""
    return stack(stability)
