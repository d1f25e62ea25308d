"""Tables of Theorem 1 and Lemma 4."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def linear_rate(summaries: Tables) -> pd.DataFrame:
    """Table of Theorem 1: margin to the bound, distance to the kernel, late rates, per width."""
    columns = ["width", "gradients", "margin", "margin_time"]
    for distance in ("flow_distance", "empirical_distance"):
        columns += [distance, f"{distance}_low", f"{distance}_high", f"{distance}_time"]
    columns += ["rate", "rate_flow", "rate_claimed", "rate_tight"]
    columns += ["loss_final", "bound_final"]
    return stack(summaries)[["run", *columns]]


def linear_rate_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of the powers of the width of distances and displacements."""
    return stack(slopes)


def linear_rate_lemma4(members: Tables) -> pd.DataFrame:
    """Table of Lemma 4: its bound, and every layer's largest row displacement, means over seeds."""
    table = stack(members)
    layers = [layer for layer in ("mu", "sigma", "d") if f"row_{layer}" in table]
    columns = ["lemma4_bound", *(f"{of}_{k}" for k in layers for of in ("row", "over_bound"))]
    return table.groupby(["run", "width"], sort=False, as_index=False)[columns].mean()
