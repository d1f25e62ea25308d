"""How gradients and bounds of deep VAEs fall with training: curves, powers, times to thresholds."""

from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from vaentk.experiments.convergence.deep_vae import DeepVAE
from vaentk.statistics.intervals import Estimate, mean

Array = NDArray[np.float64]

LATE: Final = 0.2
"""Slopes are over updates from this part of the last one on: the authors' epochs 21 to 100."""

RATE_FROM: Final = 0.01
"""The theorem's rate is over two decades of updates."""

SETTLED: Final = 0.1
"""Part of the loss's fall that is left when training is past its transient."""

QUANTITIES: Final = (
    *("gradient_phi", "gradient_theta", "gradient", "batch_square", "uniform", "uniform_ratio"),
)
"""Of which slopes are fitted."""

RATES: Final = ("uniform", "uniform_ratio")
"""Those of the theorem."""

THRESHOLDS: Final = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4)
"""Parts of the start to which times are measured."""

REACHED: Final = ("relative_gradient", "excess")


def curves(records: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the measurements of all variants together, with what follows from them.

    Records have one row per seed and step, with ``loss`` and the sums over all updates so far of
    `vaentk.training.deep`. To them come the means over the iterates since the measurement before,
    NaN at the start: gradient_phi, gradient_theta and their sum gradient, the squared norm of the
    full-data gradient without bias (negative at times), with its standard error gradient_error;
    batch_square, that of a batch's gradient, whose size is the authors' statistic. Further uniform,
    the mean of gradient over all iterates from 0 on, as the theorem draws R, and uniform_error;
    uniform_ratio, that over ``log n / sqrt(n)``, NaN below n = 2; relative_gradient, over the first
    one; excess, the loss above the least of the run, over that at the start.
    """
    table = pd.concat([frame.assign(variant=variant) for variant, frame in records.items()])
    table = table.sort_values(["variant", "seed", "step"], ignore_index=True)
    groups = table.groupby(["variant", "seed"])
    sums = [f"{kind}_{name}" for kind in ("sum", "scatter") for name in ("phi", "theta", "batch")]
    since = table[sums] - groups[sums].shift()
    updates = table["step"] - groups["step"].shift()
    table["gradient_phi"] = since["sum_phi"] / updates
    table["gradient_theta"] = since["sum_theta"] / updates
    table["gradient"] = table["gradient_phi"] + table["gradient_theta"]
    scatter = since["scatter_phi"] + since["scatter_theta"]
    table["gradient_error"] = np.sqrt(scatter) / updates
    table["batch_square"] = since["sum_batch"] / updates
    step = table["step"].where(table["step"] > 0).astype(float)
    table["uniform"] = (table["sum_phi"] + table["sum_theta"]) / step
    table["uniform_error"] = np.sqrt(table["scatter_phi"] + table["scatter_theta"]) / step
    claimed = np.log(step) / np.sqrt(step)
    table["uniform_ratio"] = (table["uniform"] / claimed).where(step > 1)
    table["relative_gradient"] = table["gradient"] / groups["gradient"].transform("first")
    least, first = groups["loss"].transform("min"), groups["loss"].transform("first")
    table["excess"] = (table["loss"] - least) / (first - least)
    return table.drop(columns=sums)


def late(table: pd.DataFrame, start: float = LATE) -> pd.DataFrame:
    """The measurements of the last part of training."""
    part: pd.DataFrame = table[table["step"] >= start * table["step"].max()]
    return part


def slope(part: pd.DataFrame, quantity: str) -> Estimate:
    """Fit a power of the number of updates to every seed's curve, and average the powers.

    The interval is Student's over seeds. NaN where a value is not positive, and its logarithm
    missing.
    """
    wide = part.pivot(index="step", columns="seed", values=quantity)
    with np.errstate(divide="ignore", invalid="ignore"):
        across, up = np.log(wide.index.to_numpy(float)), np.log(wide.to_numpy(float))
    if len(wide) < 2 or not np.isfinite(up).all():
        return Estimate(nan, nan, nan, up.size, 0)
    across = across - across.mean()
    return replace(mean(across @ up / (across @ across)), points=up.size)


def slopes(table: pd.DataFrame, settings: DeepVAE) -> pd.DataFrame:
    """Fit powers of the number of updates over the last part of training.

    A row per sweep, value and quantity, with the updates step_min to step_max that are fitted, and
    past_transient, step_min over the last update at which any seed has more than `SETTLED` of its
    loss's fall left: above 1 the powers are those past it. ``uniform_ratio`` has slope 0 where the
    theorem's rate holds with equality.
    """
    rows = []
    for sweep, named in settings.sweeps().items():
        for value, variant in named.items():
            whole = table[table["variant"] == variant]
            settled = whole[whole["excess"] > SETTLED]["step"].max()
            for quantity in QUANTITIES:
                part = late(whole, RATE_FROM if quantity in RATES else LATE)
                part = part[part["step"] > 1]  # the rate is zero at 1
                key = {"sweep": sweep, "value": value, "variant": variant, "quantity": quantity}
                ends = {"step_min": part["step"].min(), "step_max": part["step"].max()}
                past = {"past_transient": ends["step_min"] / max(settled, 1)}
                rows.append(key | slope(part, quantity).as_slope() | ends | past)
    return pd.DataFrame(rows)


def thresholds(table: pd.DataFrame) -> pd.DataFrame:
    """Find how many updates every seed takes to common parts of its own start.

    A row per variant, seed, quantity (`REACHED`) and threshold: steps, after which it stays below,
    NaN where it does not.
    """
    columns = ["variant", "seed", "quantity", "threshold", "steps"]
    rows = [
        (variant, seed, quantity, threshold, time_to(known["step"], known[quantity], threshold))
        for (variant, seed), part in table.groupby(["variant", "seed"])
        for quantity in REACHED
        for known in [part.dropna(subset=[quantity])]
        for threshold in THRESHOLDS
    ]
    return pd.DataFrame(rows, columns=columns)


def time_to(steps: ArrayLike, values: ArrayLike, threshold: float) -> float:
    """Say when a curve comes down to a threshold for good; NaN where its last value is above.

    Between two measurements the curve is a power of ``step + 1``; where it falls to zero or below,
    the time is the second of them.
    """
    when, curve = np.asarray(steps, dtype=float), np.asarray(values, dtype=float)
    above = np.flatnonzero(~(curve <= threshold))
    if not len(above):
        return float(when[0])
    before, after = int(above[-1]), int(above[-1]) + 1
    if after == len(curve):
        return nan
    if curve[after] <= 0:
        return float(when[after])
    high, low = np.log(curve[before]), np.log(curve[after])
    part = (high - np.log(threshold)) / (high - low)
    first, second = np.log(when[before] + 1), np.log(when[after] + 1)
    return float(np.exp(first + part * (second - first)) - 1)
