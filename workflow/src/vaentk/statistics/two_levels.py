"""Differences between two groups of networks that are measured on the same images.

Both levels have chance in them: other seeds would give other networks, and other images other
areas. It is the analysis of Obuchowski and Rockette 1995 of readers and cases, each reader in one
of two groups (here: a network of one of two sizes), with the degrees of freedom of Hillis 2007.
"""

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray
from scipy.stats import chi2

from vaentk.statistics.intervals import LEVEL, Estimate, quantile

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Group:
    """What was measured of the networks of one group, on images that all groups share."""

    values: Float64[Array, " networks"]
    influences: Float64[Array, "images networks"]
    """Their products, summed over images, are covariances of the values over draws of images."""

    @property
    def scatter(self) -> float:
        """Variance of the values between networks, the images being what they are."""
        return float(self.values.var(ddof=1)) if len(self.values) > 1 else nan

    @property
    def shared(self) -> float:
        """Mean covariance of two networks over draws of images."""
        pairs = len(self.values) * (len(self.values) - 1)
        whole = float(np.square(self.influences.sum(axis=1)).sum())
        return (whole - float(np.square(self.influences).sum())) / pairs if pairs else nan


def difference(first: Group, second: Group) -> Estimate:
    """Estimate the mean of the first group minus that of the second, over networks and images.

    The variance is ``v1 / K1 + v2 / K2 + max(c1 + c2 - 2 c12, 0)``: of the scatter v among K
    networks, in which what an image adds to one network alone is counted, and of the mean
    covariances c over images within groups and between them, which is what images add to the whole
    group. The freedom is Satterthwaite's, with the last part taken as known (Hillis 2007). There is
    no interval with fewer than two networks in a group.
    """
    groups = first, second
    value = float(first.values.mean() - second.values.mean())
    points = sum(len(group.values) for group in groups)
    between = float(first.influences.mean(axis=1) @ second.influences.mean(axis=1))
    images = max(first.shared + second.shared - 2 * between, 0.0)
    scatters = [group.scatter / len(group.values) for group in groups]
    variance = sum(scatters) + images
    if not np.isfinite(variance):
        return Estimate(value, nan, nan, points, nan)
    freedom = _satterthwaite(variance, scatters, [len(group.values) - 1 for group in groups])
    half = quantile(freedom) * sqrt(variance)
    return Estimate(value, value - half, value + half, points, freedom)


def placebo(first: Group, second: Group) -> Estimate:
    """Estimate how far two networks of one group lie apart: root mean square over all pairs.

    The mean of both groups' squares: ``sqrt(v1 + v2)``, as the mean square over the pairs of a
    group is ``2 v``. Its interval is that of a deviation, by the chi-squared distribution.
    """
    scatters = [first.scatter, second.scatter]
    value = sqrt(sum(scatters))
    freedoms = [len(group.values) - 1 for group in (first, second)]
    points = sum(freedoms) + 2
    if not value > 0:
        return Estimate(value, value, value, points, nan)
    freedom = _satterthwaite(sum(scatters), scatters, freedoms)
    tail = (1 - LEVEL) / 2
    low, high = (value * sqrt(freedom / chi2.ppf(p, freedom)) for p in (1 - tail, tail))
    return Estimate(value, low, high, points, freedom)


def excess(apart: Estimate, within: Estimate) -> Estimate:
    """Estimate what a difference has beyond the placebo, from both intervals.

    Zou and Donner 2008: of ``a - b``, whose intervals are independent, the ends are ``a - b``
    minus ``sqrt((a - a_low)^2 + (b_high - b)^2)``, and plus that of the other two ends.
    """
    value = apart.value - within.value
    below = sqrt((apart.value - apart.low) ** 2 + (within.high - within.value) ** 2)
    above = sqrt((apart.high - apart.value) ** 2 + (within.value - within.low) ** 2)
    return Estimate(value, value - below, value + above, apart.points)


def _satterthwaite(variance: float, parts: list[float], freedoms: list[int]) -> float:
    """Degrees of freedom of a variance, some parts of which are estimated with their own."""
    squares = sum(part**2 / freedom for part, freedom in zip(parts, freedoms, strict=True))
    return variance**2 / squares if squares else inf
