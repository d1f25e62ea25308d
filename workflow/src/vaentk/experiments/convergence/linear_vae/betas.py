"""S1 and S3: trainings of several betas on a fair scale, each against its own start and optimum."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.experiments.convergence.linear_vae.rates import by_run, late
from vaentk.models.linear_vae import LinearVae
from vaentk.statistics.bootstrap import interval, resampled_means
from vaentk.statistics.intervals import Estimate, line_slope, mean
from vaentk.training.linear import Problem

Array = NDArray[np.float64]

SCALED: Final = ("gap", "gradient", "mean_gradient")
"""What is divided by its own mean over runs at the start."""


def relative(records: pd.DataFrame) -> pd.DataFrame:
    """Return the trainings of the betas with `SCALED` over their mean over runs at the start."""
    parts = []
    chosen = records[records["role"] == "beta"]
    for _, part in chosen.groupby(["optimiser", "beta"], sort=False):
        start = part[part["step"] == 0][list(SCALED)].mean()
        parts.append(part.assign(**{name: part[name] / start[name] for name in SCALED}))
    return pd.concat(parts, ignore_index=True)


def relative_curves(records: pd.DataFrame) -> pd.DataFrame:
    """Average `relative` over runs: a row an optimiser, beta and step, with 95% intervals."""
    rows = []
    keys = ["optimiser", "beta", "step"]
    for key, part in relative(records).groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        for name in SCALED:
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


def units_used(problem: Problem, betas: tuple[float, ...]) -> dict[float, int]:
    """Count the latent units that the optimum of each beta uses: ``lambda_j > beta c^2``."""
    models = {beta: LinearVae(problem.model.variance, beta) for beta in betas}
    optima = {beta: m.optimum(problem.moments, problem.latent_dim) for beta, m in models.items()}
    return {beta: int((best.w.square().sum(-2) > 0).sum()) for beta, best in optima.items()}


def compared(
    records: pd.DataFrame, threshold: float, units: Mapping[float, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare betas by time and by what is left, and fit the trend over beta.

    The first table has a row an optimiser, beta and quantity: ``time_gap``, ``time_gradient`` and
    ``time_mean_gradient``, the n at which the mean over runs reaches the threshold; and
    ``late_gap`` and ``late_gradient``, the part left over the last half decade; value with its
    interval over resampled runs. The second has a row an optimiser and quantity: the power of
    beta in it over the betas that have one, its interval, and how many they are.
    """
    rows, trends = [], []
    for optimiser, part in relative(records).groupby("optimiser", sort=False):
        groups = list(part.groupby("beta"))
        betas = np.array([beta for beta, _ in groups], dtype=float)
        for quantity in (*(f"time_{name}" for name in SCALED), "late_gap", "late_gradient"):
            statistics = np.stack([_statistic(p, quantity, threshold) for _, p in groups], axis=1)
            key = {"optimiser": optimiser, "quantity": quantity}
            for beta, column in zip(betas, statistics.T, strict=True):
                estimate = interval(column, part["seed"].nunique())
                row = key | {"beta": beta, "units": units[float(beta)]}
                row |= {"value": estimate.value, "low": estimate.low}
                rows.append(row | {"high": estimate.high, "runs": estimate.points})
            trends.append(key | _trend(betas, statistics).as_slope())
    return pd.DataFrame(rows), pd.DataFrame(trends)


def _statistic(part: pd.DataFrame, quantity: str, threshold: float) -> Array:
    """One beta's number over all runs and over every resampled set of them."""
    what, _, name = quantity.partition("_")
    steps, values = by_run(part, name)
    means = resampled_means(values)
    if what == "time":
        return crossing(steps, means, threshold)
    left: Array = means[:, late(steps, 0.5)].mean(1)
    return left


def _trend(betas: Array, statistics: Array) -> Estimate:
    """Fit the power of beta in the numbers of every resampled set; misfit of the line counts too.

    Runs are many, betas few: the interval is the wider of that over runs and Student's of the line.
    """
    finite = np.isfinite(statistics).all(0)
    logs, points = np.log(statistics[:, finite]), int(finite.sum())
    line = line_slope(np.log(betas[finite]), logs[0]) if points else None
    if line is None or points < 2:
        return Estimate(np.nan, np.nan, np.nan, points)
    across = np.log(betas[finite]) - np.log(betas[finite]).mean()
    resampled = interval(logs @ across / (across @ across), points)
    low = np.fmin(line.low, resampled.low)
    return Estimate(line.value, float(low), float(np.fmax(line.high, resampled.high)), line.points)
