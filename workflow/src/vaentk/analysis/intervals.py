"""Slopes of power laws and means, each with a 95% confidence interval."""

from dataclasses import dataclass
from math import nan

import numpy as np
import statsmodels.api as sm
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
"""Confidence level of every interval."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% confidence interval.

    Attributes
    ----------
    value, low, high
        The estimate and its interval; the interval is NaN where the data cannot give one.
    points
        Number of observations behind it.
    """

    value: float
    low: float
    high: float
    points: int


def line_slope(x: ArrayLike, y: ArrayLike) -> Estimate:
    """Fit ``y = a + b x`` by ordinary least squares and return b.

    The interval is Student's with ``points - 2`` degrees of freedom; scatter between repeated
    measurements and misfit of the line both widen it.

    Parameters
    ----------
    x, y
        (p,) each, finite.
    """
    across, up = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(np.unique(across)) < 2 or not np.isfinite(up).all():
        return Estimate(nan, nan, nan, len(across))
    fit = sm.OLS(up, sm.add_constant(across)).fit()
    if len(across) <= 2:
        return Estimate(float(fit.params[1]), nan, nan, len(across))
    low, high = fit.conf_int(alpha=1 - LEVEL)[1]
    return Estimate(float(fit.params[1]), float(low), float(high), len(across))


def power_law_slope(x: ArrayLike, y: ArrayLike) -> Estimate:
    """Fit ``y ~ x^b`` by least squares in logarithms and return b; NaN where y is not positive."""
    up = np.asarray(y, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return line_slope(np.log(np.asarray(x, dtype=float)), np.log(up))


def mean(values: ArrayLike) -> Estimate:
    """Return the mean of independent values with Student's interval (NaN for a single one)."""
    sample = np.asarray(values, dtype=float)
    count = len(sample)
    centre = float(sample.mean())
    if count < 2:
        return Estimate(centre, nan, nan, count)
    half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * stats.sem(sample))
    return Estimate(centre, centre - half, centre + half, count)
