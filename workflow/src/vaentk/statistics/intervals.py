"""Slopes of power laws and means, each with a 95% confidence interval."""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

LEVEL = 0.95
"""Confidence level of every interval."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% confidence interval, NaN where the data cannot give one."""

    value: float
    low: float
    high: float
    points: int
    """Number of observations behind it."""

    def as_slope(self) -> dict[str, float]:
        """Return the columns of a table of slopes."""
        return {"slope": self.value, "low": self.low, "high": self.high, "points": self.points}


def line_slope(x: ArrayLike, y: ArrayLike, levels: int = 1) -> Estimate:
    """Fit ``y = a + b x`` by ordinary least squares and return b.

    The interval is Student's with ``points - 1 - levels`` degrees of freedom; scatter between
    repeated measurements and misfit of the line both widen it. There is more than one level where
    groups had theirs subtracted from x and y.
    """
    across, up = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(np.unique(across)) < 2 or not np.isfinite(up).all():
        return Estimate(nan, nan, nan, len(across))
    x_centred, y_centred = across - across.mean(), up - up.mean()
    squares = float(x_centred @ x_centred)
    slope = float(x_centred @ y_centred) / squares
    residual = y_centred - slope * x_centred
    freedom = len(across) - 1 - levels
    error = sqrt(float(residual @ residual) / (freedom * squares)) if freedom > 0 else nan
    return _estimate(slope, error, freedom, len(across))


def power_law_slope(x: ArrayLike, y: ArrayLike) -> Estimate:
    """Fit ``y ~ x^b`` by least squares in logarithms and return b; NaN where y is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return line_slope(np.log(np.asarray(x, dtype=float)), np.log(np.asarray(y, dtype=float)))


def mean(values: ArrayLike) -> Estimate:
    """Return the mean of independent values with Student's interval (NaN for a single one)."""
    sample = np.asarray(values, dtype=float)
    count = len(sample)
    centre = float(sample.mean())
    error = float(sample.std(ddof=1)) / sqrt(count) if count > 1 else nan
    return _estimate(centre, error, count - 1, count)


def _estimate(value: float, error: float, freedom: int, points: int) -> Estimate:
    """Put Student's interval around an estimate with a standard error; none without freedom."""
    if freedom < 1:
        return Estimate(float(value), nan, nan, points)
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Estimate(float(value), float(value) - half, float(value) + half, points)
