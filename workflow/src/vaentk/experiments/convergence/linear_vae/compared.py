"""S3 and S4: trainings of several beta, or of several K, on a scale that is fair to all."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.experiments.convergence.linear_vae import Role
from vaentk.experiments.convergence.linear_vae.rates import by_run, late
from vaentk.statistics.bootstrap import interval, resampled_means
from vaentk.statistics.intervals import Estimate, line_slope, mean

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Trainings that differ in one setting, and what is compared of them."""

    role: Role
    level: str
    """Column of the setting in which they differ."""
    scaled: tuple[str, ...]
    """What is divided by its own mean over runs at the start."""
    quantities: tuple[str, ...]
    """``time_<name>``: n at which the mean over runs of a `scaled` quantity falls to the threshold;
    ``codes_<name>``: that times the level; ``late_<name>``: the part left over the last half
    decade; ``raw_<name>``: what is not divided, at the last iterate."""


BETAS: Final = Comparison(
    "beta",
    "beta",
    ("gap", "gradient", "mean_gradient"),
    (
        *("time_gap", "time_gradient", "time_mean_gradient"),
        *("late_gap", "late_gradient", "raw_mean_gradient"),
    ),
)
CODES: Final = Comparison(
    "codes",
    "samples",
    ("likelihood_gap", "gap"),
    (
        *("time_likelihood_gap", "codes_likelihood_gap", "time_gap"),
        *("late_likelihood_gap", "late_gap", "raw_mean_gradient"),
    ),
)
"""IWAE's K. At beta = 1 the likelihood, the ELBO and every IWAE bound have their optimum in common,
and all K start alike."""


def relative(records: pd.DataFrame, what: Comparison) -> pd.DataFrame:
    """Return the trainings with what is scaled over its mean over runs at the start."""
    parts = []
    chosen = records[records["role"] == what.role]
    for _, part in chosen.groupby(["optimiser", what.level], sort=False):
        start = part[part["step"] == 0][list(what.scaled)].mean()
        own = {name: part[name] / start[name] for name in what.scaled}
        parts.append(part.assign(raw_mean_gradient=part["mean_gradient"], **own))
    return pd.concat(parts, ignore_index=True)


def relative_curves(records: pd.DataFrame, what: Comparison) -> pd.DataFrame:
    """Average `relative` over runs: one row per optimiser, level and step, with 95% intervals."""
    rows = []
    keys = ["optimiser", what.level, "step"]
    for key, part in relative(records, what).groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        for name in what.scaled:
            row |= mean(part[name]).columns(name)
        rows.append(row)
    return pd.DataFrame(rows)


def crossing(steps: Array, means: Array, threshold: float) -> Array:
    """First n at which curves fall to a threshold, linear in logarithms between iterates: (...).

    Steps (T,), 0 first, and means (..., T), positive. NaN where a curve never falls so far; a curve
    that is below at n = 1 gives 1, since the start has no logarithm.
    """
    below = means[..., 1:] <= threshold
    place = below.argmax(-1)
    later = np.maximum(place, 1)
    n, logs = np.log(steps[1:]), np.log(means[..., 1:])
    ends = np.take_along_axis(logs, later[..., None], -1)[..., 0]
    starts = np.take_along_axis(logs, later[..., None] - 1, -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (np.log(threshold) - starts) / (ends - starts)
    time = np.exp(n[later - 1] + part * (n[later] - n[later - 1]))
    first: Array = np.where(below.any(-1), np.where(place == 0, steps[1], time), np.nan)
    return first


def compared(
    records: pd.DataFrame,
    what: Comparison,
    threshold: float,
    fitted: Collection[float] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Compare the levels one by one, in pairs, and by a power of the level.

    The first table has one row per optimiser, level and quantity: value with its interval over
    resampled runs. The second has, by optimiser, quantity and pair of neighbouring levels, the
    larger as level: ``ratio``, its value over that of the ``smaller``, of the same resampled runs.
    The third has a row per optimiser and quantity: the power of the level in it over those that are
    ``fitted``, all if None, and have a value; its interval, and how many they are.
    """
    rows, pairs, trends = [], [], []
    for optimiser, part in relative(records, what).groupby("optimiser", sort=False):
        groups = list(part.groupby(what.level))
        levels = np.array([level for level, _ in groups], dtype=float)
        inside = np.array([fitted is None or level in fitted for level in levels])
        runs = part["seed"].nunique()
        for quantity in what.quantities:
            found = [
                _statistic(p, quantity, threshold, level)
                for level, (_, p) in zip(levels, groups, strict=True)
            ]
            key = {"optimiser": optimiser, "quantity": quantity}
            for level, statistic in zip(levels, found, strict=True):
                estimate = interval(statistic, runs)
                row = key | {what.level: level, "value": estimate.value, "low": estimate.low}
                rows.append(row | {"high": estimate.high, "runs": runs})
            for (smaller, before), (level, after) in pairwise(zip(levels, found, strict=True)):
                row = key | {"smaller": smaller, what.level: level}
                pairs.append(row | interval(after / before, runs).columns("ratio"))
            statistics = np.stack(found, axis=1)
            trends.append(key | _trend(levels[inside], statistics[:, inside]).as_slope())
    return pd.DataFrame(rows), pd.DataFrame(pairs), pd.DataFrame(trends)


def _statistic(part: pd.DataFrame, quantity: str, threshold: float, level: float) -> Array:
    """One level's number over all runs and over every resampled set of them."""
    what, _, name = quantity.partition("_")
    steps, values = by_run(part, quantity if what == "raw" else name)
    means = resampled_means(values)
    if what == "raw":
        return means[:, -1]
    if what == "late":
        left: Array = means[:, late(steps, 0.5)].mean(1)
        return left
    return crossing(steps, means, threshold) * (level if what == "codes" else 1)


def _trend(levels: Array, statistics: Array) -> Estimate:
    """Fit the power of the level in the numbers of every resampled set.

    Runs are many, levels few, and the line may not fit: the interval is the wider of that over
    runs and Student's of the line.
    """
    finite = np.isfinite(statistics).all(0)
    logs, points = np.log(statistics[:, finite]), int(finite.sum())
    line = line_slope(np.log(levels[finite]), logs[0]) if points else None
    if line is None or points < 2:
        return Estimate(np.nan, np.nan, np.nan, points)
    across = np.log(levels[finite]) - np.log(levels[finite]).mean()
    resampled = interval(logs @ across / (across @ across), points)
    low = np.fmin(line.low, resampled.low)
    return Estimate(line.value, float(low), float(np.fmax(line.high, resampled.high)), line.points)
