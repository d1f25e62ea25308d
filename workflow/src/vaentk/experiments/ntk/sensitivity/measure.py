"""Figure 2's slopes under other settings: what the paper leaves open, one at a time (W4)."""

from math import nan

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.sensitivity import Sensitivity
from vaentk.experiments.ntk.weight_change.measure import CLAIMED_SLOPES, changes
from vaentk.statistics.intervals import geometric_mean, mean
from vaentk.statistics.slopes import ByWidth, by_seed, power, powers

BASE = "base"


def measure(settings: Sensitivity, *, records: Tables) -> dict[str, pd.DataFrame]:
    """Measure one run: the slopes of every variant, and their differences from the base."""
    return {"slopes": slopes(pd.concat(records.values(), ignore_index=True), settings)}


def slopes(records: pd.DataFrame, settings: Sensitivity) -> pd.DataFrame:
    """Fit the slopes of every variant at the final time, and their differences from the base.

    A seed has the same networks in every variant, so that a difference is taken seed by seed.

    Returns
    -------
    DataFrame
        By variant and layer that moves: claimed, slope, difference from the base's, from_claim
        (slope less claimed) and narrow_over_base (the change at the least width over the base's),
        each with its 95% interval over seeds, all of one freedom; base (the base's slope),
        narrow_change and largest_change (at the least and the largest width, mean over seeds),
        loss_left (final over initial reconstruction error at the largest width), width_min,
        width_max.
    """
    cases = settings.variants()
    own = {name: _by_layer(part) for name, part in records.groupby("variant", sort=False)}
    rows = []
    for variant, layers in own.items():
        case = cases[str(variant)]
        widest = records[
            (records["variant"] == variant) & (records["width"] == max(case.widths))
        ].sort_values("step")
        losses = widest.groupby("seed")["reconstruction"]
        for layer, moved in layers.items():
            base, claimed = own[BASE].get(layer, {}), CLAIMED_SLOPES[layer]
            largest = {width: moved[width] for width in sorted(moved)[-case.slope_widths :]}
            least = min(moved)
            fitted = powers(largest)
            slope = power(largest)
            of_base = powers({width: base.get(width, nan * moved[width]) for width in largest})
            narrow = moved[least] / base.get(least, nan * moved[least])
            rows.append(
                {"variant": variant, "layer": layer, "claimed": claimed}
                | slope.as_slope()
                | {"base": float(of_base.mean())}
                | mean(fitted - of_base).columns("difference")
                | mean(fitted - claimed).columns("from_claim")
                | geometric_mean(narrow).columns("narrow_over_base")
                | {
                    "narrow_change": float(moved[least].mean()),
                    "largest_change": float(moved[max(moved)].mean()),
                    "loss_left": float((losses.last() / losses.first()).mean()),
                    "width_min": min(largest),
                    "width_max": max(largest),
                }
            )
    return pd.DataFrame(rows)


def _by_layer(records: pd.DataFrame) -> dict[str, ByWidth]:
    """Lay out the final change of every layer that moves."""
    table = changes(records)
    final = table[table["fraction"] == 1.0]
    moving = final.groupby("layer", sort=False)["change"].max()
    return {
        str(layer): by_seed(final[final["layer"] == layer], "change")
        for layer in moving.index[moving > 0]
    }
