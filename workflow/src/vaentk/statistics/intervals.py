"""Slopes of lines and means, each with a 95% confidence interval."""

from dataclasses import dataclass
from math import exp, inf, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri, stdtrit

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
    freedom: float = inf
    """Degrees of freedom of Student's interval; infinite where it has another source."""

    def columns(self, name: str) -> dict[str, float]:
        """Return the value and its interval as columns of a table."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}

    def as_slope(self) -> dict[str, float]:
        """Return the columns of a table of slopes."""
        ends = {"slope": self.value, "low": self.low, "high": self.high}
        return ends | {"points": self.points, "freedom": self.freedom}

    def simultaneous(self, comparisons: int) -> "Estimate":
        """Widen the interval so that this many cover all their values together, by Bonferroni."""
        if comparisons < 2 or not self.freedom >= 1:
            return self
        ratio = quantile(self.freedom, comparisons) / quantile(self.freedom)
        low, high = (self.value + ratio * (end - self.value) for end in (self.low, self.high))
        return Estimate(self.value, low, high, self.points, self.freedom)


def quantile(freedom: float, comparisons: int = 1) -> float:
    """Half the length of Student's interval, in standard errors, for one of some comparisons."""
    probability = 1 - (1 - LEVEL) / 2 / comparisons
    return float(ndtri(probability) if freedom == inf else stdtrit(freedom, probability))


def line_slope(x: ArrayLike, y: ArrayLike, levels: int = 1) -> Estimate:
    """Fit ``y = a + b x`` by ordinary least squares and return b.

    The interval is Student's with ``points - 1 - levels`` degrees of freedom; scatter between
    repeated measurements and misfit of the line both widen it. There is more than one level where
    groups had theirs subtracted from x and y. It covers b where residuals are independent.
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


def mean(values: ArrayLike) -> Estimate:
    """Return the mean of independent values with Student's interval (NaN for a single one)."""
    sample = np.asarray(values, dtype=float)
    count = len(sample)
    centre = float(sample.mean())
    error = float(sample.std(ddof=1)) / sqrt(count) if count > 1 else nan
    return _estimate(centre, error, count - 1, count)


def proportion(hits: int, trials: int) -> Estimate:
    """Return the part of independent trials that hit; its interval is exact (Clopper-Pearson)."""
    tail = (1 - LEVEL) / 2
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - tail)) if hits < trials else 1.0
    return Estimate(hits / trials, low, high, trials)


def geometric_mean(values: ArrayLike) -> Estimate:
    """Return that of independent positive values; its interval is that of the mean logarithm.

    So no interval of a positive quantity reaches below zero. NaN where a value is not positive.
    """
    sample = np.asarray(values, dtype=float)
    if not (sample > 0).all():
        return Estimate(nan, nan, nan, len(sample))
    logs = mean(np.log(sample))
    return Estimate(exp(logs.value), exp(logs.low), exp(logs.high), logs.points, logs.freedom)


def _estimate(value: float, error: float, freedom: int, points: int) -> Estimate:
    """Put Student's interval around an estimate with a standard error; none without freedom."""
    if freedom < 1:
        return Estimate(float(value), nan, nan, points, freedom)
    half = quantile(freedom) * error
    return Estimate(float(value), float(value) - half, float(value) + half, points, freedom)
