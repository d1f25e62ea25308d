"""The report's tables: measures of all runs of a kind, put together and ordered for reading."""

from collections.abc import Mapping

import pandas as pd

LAYER_ORDER = ("enc", "hid", "mu", "sigma", "dec")
READ_TIMES = (1.0, 0.25, 0.0625)
"""Parts of the training time at which the table of slopes is read."""


def stack(measures: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the measures of several runs under each other, with a first column that names the run."""
    return pd.concat([frame.assign(run=run) for run, frame in measures.items()])[
        ["run", *next(iter(measures.values())).columns]
    ]


def weight_change_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Figure 2: slope per run, layer and time with its interval, beside the claim."""
    table = stack(slopes)
    table = table[table["fraction"].isin(READ_TIMES)]
    order = {layer: place for place, layer in enumerate(LAYER_ORDER)}
    table = table.assign(place=table["layer"].map(order))
    table = table.sort_values(["outputs", "place", "fraction"], ascending=[True, True, False])
    columns = ["outputs", "width_over_outputs", "layer", "fraction", "claimed"]
    return table[["run", *columns, "slope", "low", "high", "points", "width_min", "width_max"]]


def linear_rate(summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Theorem 1: margin to the bound, distance to the kernel, late rates, per width."""
    columns = ["width", "steps", "learning_rate", "margin"]
    columns += ["descent_distance", "descent_distance_low", "descent_distance_high"]
    columns += ["flow_distance"]
    columns += ["rate", "rate_flow", "rate_claimed", "rate_tight", "loss_final", "bound_final"]
    return stack(summaries)[["run", *columns]]
