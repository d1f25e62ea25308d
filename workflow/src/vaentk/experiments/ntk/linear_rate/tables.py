"""Tables of Theorem 1 and Lemma 4."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack

LEMMA4_ORDER = tuple(
    f"{what}_{layer}" for layer in ("mu", "sigma", "d") for what in ("row", "over_bound")
)
"""Columns of the table of Lemma 4 after its bound."""


def linear_rate(summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Theorem 1: margin to the bound, distance to the kernel, late rates, per width."""
    columns = ["width", "steps", "learning_rate", "margin"]
    columns += ["descent_distance", "descent_distance_low", "descent_distance_high"]
    columns += ["empirical_distance", "empirical_distance_low", "empirical_distance_high"]
    columns += ["flow_distance"]
    columns += ["rate", "rate_flow", "rate_claimed", "rate_tight", "loss_final", "bound_final"]
    return stack(summaries)[["run", *columns]]


def linear_rate_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the powers of the width of distances and displacements."""
    return stack(slopes)


def linear_rate_lemma4(members: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Lemma 4: its bound, and every layer's largest row displacement, means over seeds."""
    table = stack(members)
    columns = ["lemma4_bound", *(column for column in LEMMA4_ORDER if column in table)]
    return table.groupby(["run", "width"], sort=False, as_index=False)[columns].mean()
