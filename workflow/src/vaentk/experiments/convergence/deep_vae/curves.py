"""How gradients and bounds of deep VAEs fall with training: curves, powers, times to thresholds."""

from collections.abc import Mapping
from itertools import product
from math import nan
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from vaentk.experiments.convergence.deep_vae import DeepVAE
from vaentk.statistics.intervals import Estimate, line_slope

Array = NDArray[np.float64]

LATE: Final = 0.2
"""Slopes are over updates from this part of the last one on: the authors' epochs 21 to 100."""

QUANTITIES: Final = ("gradient_phi", "gradient_theta", "gradient", "uniform", "uniform_ratio")
"""Of which slopes are fitted."""

THRESHOLDS: Final = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4)
"""Parts of the start to which times are measured."""

REACHED: Final = ("relative_gradient", "excess")


def curves(records: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the measurements of all variants together, with what follows from them.

    Records have a row a seed and step: ``gradient_phi`` and ``gradient_theta`` (unbiased estimates
    of squared norms, negative at times) with errors, ``loss``. To them come gradient, the squared
    norm of all parameters, and gradient_error; uniform, the mean of gradient over all updates up
    to this one, as the theorem draws R; uniform_ratio, that over ``log n / sqrt(n)``, NaN below
    n = 2; relative_gradient, over that at the start; excess, the loss above the least of the run,
    over that at the start.
    """
    table = pd.concat([frame.assign(variant=variant) for variant, frame in records.items()])
    table = table.sort_values(["variant", "seed", "step"], ignore_index=True)
    table["gradient"] = table["gradient_phi"] + table["gradient_theta"]
    table["gradient_error"] = np.hypot(table["gradient_phi_error"], table["gradient_theta_error"])
    groups = table.groupby(["variant", "seed"])
    table["uniform"] = np.concatenate(
        [uniform_mean(part["step"], part["gradient"]) for _, part in groups]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        claimed = np.log(table["step"]) / np.sqrt(table["step"])
    table["uniform_ratio"] = (table["uniform"] / claimed).where(table["step"] > 1)
    table["relative_gradient"] = table["gradient"] / groups["gradient"].transform("first")
    least, first = groups["loss"].transform("min"), groups["loss"].transform("first")
    table["excess"] = (table["loss"] - least) / (first - least)
    return table


def uniform_mean(steps: ArrayLike, values: ArrayLike) -> Array:
    """Average over all updates 0 to n of what was measured at some of them: (t,).

    Between two measured updates, ascending integers from 0, the values are taken to lie on a line
    (the trapezoid rule), which is too much where they fall as a convex curve.
    """
    measured = np.asarray(steps, dtype=int)
    every = np.interp(np.arange(measured[-1] + 1), measured, np.asarray(values, dtype=float))
    mean: Array = np.cumsum(every)[measured] / (measured + 1)
    return mean


def late(table: pd.DataFrame) -> pd.DataFrame:
    """The measurements of the last part of training."""
    part: pd.DataFrame = table[table["step"] >= LATE * table["step"].max()]
    return part


def slope(part: pd.DataFrame, quantity: str) -> Estimate:
    """Fit a power of the number of updates, with a level for every seed.

    The interval is the line's misfit: neighbours on a curve do not scatter independently, so that
    it is rather too narrow. NaN where a value is not positive, and its logarithm missing.
    """
    seeds = part["seed"]
    with np.errstate(divide="ignore", invalid="ignore"):
        across, up = np.log(part["step"]), np.log(part[quantity])
    if not np.isfinite(up).all() or not len(up):
        return Estimate(nan, nan, nan, len(up))
    across = across - across.groupby(seeds).transform("mean")
    up = up - up.groupby(seeds).transform("mean")
    return line_slope(across, up, levels=seeds.nunique())


def slopes(table: pd.DataFrame, settings: DeepVAE) -> pd.DataFrame:
    """Fit powers of the number of updates over the last part of training.

    A row a sweep, value and quantity, with the updates step_min to step_max that are fitted.
    ``uniform_ratio`` has slope 0 where the theorem's rate holds with equality.
    """
    rows = []
    for sweep, named in settings.sweeps().items():
        for value, variant in named.items():
            part = late(table[table["variant"] == variant])
            key = {"sweep": sweep, "value": value, "variant": variant}
            ends = {"step_min": part["step"].min(), "step_max": part["step"].max()}
            for quantity in QUANTITIES:
                fitted = slope(part, quantity).as_slope()
                rows.append(key | {"quantity": quantity} | fitted | ends)
    return pd.DataFrame(rows)


def thresholds(table: pd.DataFrame) -> pd.DataFrame:
    """Find how many updates every seed takes to common parts of its own start.

    A row a variant, seed, quantity (`REACHED`) and threshold: steps, after which it stays below,
    NaN where it does not.
    """
    columns = ["variant", "seed", "quantity", "threshold", "steps"]
    rows = [
        (variant, seed, quantity, threshold, time_to(part["step"], part[quantity], threshold))
        for (variant, seed), part in table.groupby(["variant", "seed"])
        for quantity, threshold in product(REACHED, THRESHOLDS)
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
