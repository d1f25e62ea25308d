"""Figure 2's slopes under other settings: what the paper leaves open, one at a time (W4)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaentk.experiments.ntk.sensitivity import Sensitivity
from vaentk.experiments.ntk.weight_change import measure as weight_change

BASE = "base"


def measure(
    settings: Sensitivity, *, records: Mapping[int, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Measure one run: the slopes of every variant, and the largest difference from the base.

    Parameters
    ----------
    settings
        The run.
    records
        What training left, by width.
    """
    table = slopes(pd.concat(records.values(), ignore_index=True), settings)
    return {"slopes": table, "worst": worst(table)}


def slopes(records: pd.DataFrame, settings: Sensitivity) -> pd.DataFrame:
    """Fit the slopes of every variant at the final time, and their differences from the base.

    Parameters
    ----------
    records
        Observations of every variant and width.
    settings
        The run.

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
        moving = [c for c in weight_change.CLAIMED_SLOPES if _moves(part, c)]
        changes = weight_change.changes(part)
        fitted = weight_change.slopes(changes, case.slope_widths, case.inputs.outputs)
        fitted = fitted[(fitted["fraction"] == 1.0) & fitted["layer"].isin(moving)]
        widest = part[part["width"] == max(case.widths)].sort_values("step")
        losses = widest.groupby("seed")["reconstruction"]
        parts.append(
            fitted.join(
                _mean_change(changes, max(case.widths)).rename("largest_change"), on="layer"
            )
            .join(_mean_change(changes, min(case.widths)).rename("narrow_change"), on="layer")
            .assign(variant=variant, loss_left=float((losses.last() / losses.first()).mean()))
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
    plotted = table[np.isfinite(table["claimed"])]
    plotted = plotted.assign(
        absolute_difference=plotted["difference"].abs(),
        from_claim=(plotted["slope"] - plotted["claimed"]).abs(),
    )
    rows = []
    for variant, part in plotted.groupby("variant", sort=False):
        largest = part.loc[part["absolute_difference"].idxmax()]
        rows.append(
            {
                "variant": variant,
                "layer": largest["layer"],
                "difference": largest["difference"],
                "absolute_difference": largest["absolute_difference"],
                "absolute_from_claim": part["from_claim"].max(),
            }
        )
    return pd.DataFrame(rows)


def _moves(part: pd.DataFrame, layer: str) -> bool:
    return bool(part[f"change_{layer}"].max() > 0)


def _mean_change(changes: pd.DataFrame, width: int) -> pd.Series:
    """Return every layer's change at the final time, mean over the seeds of one width."""
    final = changes[(changes["fraction"] == 1.0) & (changes["width"] == width)]
    return final.groupby("layer")["change"].mean()
