"""Tables of Figure 2."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack

LAYER_ORDER = ("enc", "hid", "mu", "sigma", "dec")

READ_TIMES = (1.0, 0.25, 0.0625)
"""Parts of the training time at which the table of slopes is read."""


def weight_change_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Figure 2: slope per run, layer and time with its interval, beside the claim."""
    table = stack(slopes)
    table = table[table["fraction"].isin(READ_TIMES)]
    order = {layer: place for place, layer in enumerate(LAYER_ORDER)}
    table = table.assign(place=table["layer"].map(order))
    table = table.sort_values(["outputs", "place", "fraction"], ascending=[True, True, False])
    columns = ["outputs", "width_over_outputs", "layer", "fraction", "claimed"]
    return table[["run", *columns, "slope", "low", "high", "points", "width_min", "width_max"]]


def weight_change_stability(stability: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of how each width was trained."""
    return stack(stability)
