"""Figure 2's slopes under other settings: what the paper leaves open, one at a time (W4)."""

import numpy as np
import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.sensitivity import Sensitivity
from vaentk.experiments.ntk.weight_change import measure as weight_change

BASE = "base"


def measure(settings: Sensitivity, *, records: Tables) -> dict[str, pd.DataFrame]:
    """Measure one run: the slopes of every variant, and the largest difference from the base."""
    table = slopes(pd.concat(records.values(), ignore_index=True), settings)
    return {"slopes": table, "worst": worst(table)}


def slopes(records: pd.DataFrame, settings: Sensitivity) -> pd.DataFrame:
    """Fit the slopes of every variant at the final time, and their differences from the base.

    Returns
    -------
    DataFrame
        A row a variant and layer: claimed, slope with its interval, base (the base's slope),
        difference, largest_change (at the largest width, mean over seeds), narrow_change (at the
        least width), narrow_over_base (that over the base's) and loss_left (final over initial
        reconstruction error at the largest width).
    """
    parts = []
    cases = settings.variants()
    for variant, part in records.groupby("variant", sort=False):
        case = cases[str(variant)]
        moving = [k for k in weight_change.CLAIMED_SLOPES if part[f"change_{k}"].max() > 0]
        changes = weight_change.changes(part)
        fitted = weight_change.slopes(changes, case.slope_widths, case.inputs.outputs)
        fitted = fitted[(fitted["fraction"] == 1.0) & fitted["layer"].isin(moving)]
        widest = part[part["width"] == max(case.widths)].sort_values("step")
        losses = widest.groupby("seed")["reconstruction"]
        final = changes[changes["fraction"] == 1.0]
        moved = final.groupby(["width", "layer"])["change"].mean()
        parts.append(
            fitted.assign(
                variant=variant,
                largest_change=fitted["layer"].map(moved[max(case.widths)]),
                narrow_change=fitted["layer"].map(moved[min(case.widths)]),
                loss_left=float((losses.last() / losses.first()).mean()),
            )
        )
    table = pd.concat(parts, ignore_index=True)
    base = table[table["variant"] == BASE].set_index("layer")
    table["base"] = table["layer"].map(base["slope"])
    table["difference"] = table["slope"] - table["base"]
    table["narrow_over_base"] = table["narrow_change"] / table["layer"].map(base["narrow_change"])
    columns = ["variant", "layer", "claimed", "slope", "low", "high", "points", "base"]
    columns += ["difference", "largest_change", "narrow_change", "narrow_over_base", "loss_left"]
    columns += ["width_min", "width_max"]
    return table[columns]


def worst(table: pd.DataFrame) -> pd.DataFrame:
    """Find every variant's largest difference from the base over the four layers of Figure 2.

    Returns
    -------
    DataFrame
        A row a variant: layer, difference, absolute_difference, and
        absolute_from_claim, the largest distance of a slope to the paper's power.
    """
    plotted = table[np.isfinite(table["claimed"])].assign(
        absolute_difference=lambda part: part["difference"].abs(),
        absolute_from_claim=lambda part: (part["slope"] - part["claimed"]).abs(),
    )
    by_variant = plotted.groupby("variant", sort=False)
    largest = plotted.loc[by_variant["absolute_difference"].idxmax()]
    farthest = largest["variant"].map(by_variant["absolute_from_claim"].max())
    columns = ["variant", "layer", "difference", "absolute_difference", "absolute_from_claim"]
    table = largest.assign(absolute_from_claim=farthest)
    return table[columns].reset_index(drop=True)
