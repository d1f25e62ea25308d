"""Powers followed by a mean over independent runs, with intervals from resampling whole runs."""

from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike, NDArray

from vaentk.statistics.intervals import LEVEL, Estimate

Array = NDArray[np.float64]

RESAMPLES: Final = 2000
"""Resampled sets of runs: the ends of an interval vary by a fiftieth of its length."""


def resampled_means(values: Array, resamples: int = RESAMPLES) -> Array:
    """Mean over the rows, then that of as many rows drawn with replacement: (1 + resamples, ...).

    The same runs are drawn whatever the values, so that what is measured on the same runs stays
    paired.
    """
    means: Array = np.tensordot(_weights(len(values), resamples), values, axes=1)
    return means


@lru_cache(maxsize=4)
def _weights(runs: int, resamples: int) -> Array:
    """How much of every run is in the mean and in each resampled one, (1 + resamples, runs)."""
    drawn = np.random.default_rng(0).multinomial(runs, np.full(runs, 1 / runs), resamples)
    weights: Array = np.concatenate([np.ones((1, runs)), drawn]) / runs
    return weights


def interval(statistics: Array, points: int) -> Estimate:
    """Return the first statistic with the percentile interval of the others."""
    value, others = float(statistics[0]), statistics[1:]
    if not np.isfinite(statistics).all():
        return Estimate(value, np.nan, np.nan, points)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(others, [tail, 1 - tail])
    # The value lies inside unless the statistic is badly biased; the ends must not cross it.
    return Estimate(value, min(float(low), value), max(float(high), value), points)


def exponent(x: ArrayLike, values: Float64[Array, "runs T"], points: int | None = None) -> Estimate:
    """Fit ``mean over runs ~ x^b`` by least squares in logarithms and return b."""
    return coefficients(np.log(np.asarray(x, dtype=float))[:, None], values, points)[0]


def coefficients(
    regressors: Float64[Array, "T k"],
    values: Float64[Array, "runs T"],
    points: int | None = None,
) -> list[Estimate]:
    """Fit the logarithm of the mean over runs, which is positive, linearly in several regressors.

    Runs are resampled whole: points of one curve are not independent, so that Student's interval of
    the line would be too short; one run gives no interval. So many ``points`` are said to be behind
    it; T if None.
    """
    count = len(regressors) if points is None else points
    design = np.column_stack([np.ones(len(regressors)), regressors])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return [Estimate(np.nan, np.nan, np.nan, count)] * regressors.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(resampled_means(values))
    if len(values) == 1:
        logs[1:] = np.nan
    fitted = logs @ np.linalg.pinv(design).T
    return [interval(column, count) for column in fitted.T[1:]]
