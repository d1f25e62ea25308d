"""Powers of the width: over the largest widths, between neighbours, and in the limit.

A seed's networks share random numbers across widths: the narrower one is a part of the wider one.
So their errors are correlated, and larger in narrow networks, and the residuals of one line through
all points say too little about its slope. Every seed gives a slope of its own instead; seeds are
independent, and the mean of their slopes has Student's interval, whatever their errors have in
common.
"""

from dataclasses import replace
from itertools import pairwise
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.statistics.intervals import Estimate, mean

Array = NDArray[np.float64]

ByWidth = dict[int, Array]
"""A number a seed, (S,), by width."""

CORRECTIONS = (-0.5, -1.0)
"""Powers of the width by which a finite width may change an exponent."""

STABLE = 0.05
"""A limit is stable where its interval and both corrections' limits keep within this of it."""


def power_of_width(table: pd.DataFrame, quantity: str, largest: int) -> dict[str, float | str]:
    """Fit ``quantity ~ width^b`` by least squares in logarithms, one row per width and seed.

    Returns
    -------
    dict
        slope, low, high (95%), points and freedom of b over the ``largest`` widths, whose ends are
        width_min and width_max; local, the slopes between neighbouring widths as text; limit,
        limit_low, limit_high and limit_other of b in the limit of large widths, see `limit`; and
        exponent, exponent_low, exponent_high, exponent_by: the limit where it is stable, otherwise
        the slope. NaN where a quantity is not positive or a seed alone.
    """
    everywhere = by_seed(table, quantity)
    chosen = {width: everywhere[width] for width in sorted(everywhere)[-largest:]}
    slope, (limiting, other) = power(chosen), limit(everywhere)
    stable = max(limiting.high - limiting.value, abs(other - limiting.value)) <= STABLE
    judged = limiting if stable else slope
    local = [
        power({width: everywhere[width] for width in pair}).value for pair in pairwise(everywhere)
    ]
    return {
        **slope.as_slope(),
        **{"width_min": min(chosen), "width_max": max(chosen)},
        "local": " ".join(f"{value:.2f}" for value in local),
        **limiting.columns("limit"),
        "limit_other": other,
        **judged.columns("exponent"),
        "exponent_by": "limit" if stable else "slope",
    }


def by_seed(table: pd.DataFrame, quantity: str) -> ByWidth:
    """Lay out a quantity by width, in increasing order, a number a seed."""
    wide = table.pivot(index="seed", columns="width", values=quantity)
    return {int(str(width)): wide[width].to_numpy(dtype=float) for width in wide}


def powers(values: ByWidth) -> Array:
    """Fit ``value ~ width^b`` to the positive values of every seed; return every seed's b, (S,)."""
    return _exponents(values, ())


def power(values: ByWidth) -> Estimate:
    """Return the mean over seeds of `powers`."""
    return _over_seeds(values, powers(values))


def limit(values: ByWidth) -> tuple[Estimate, float]:
    """Fit ``log value = a + b log width + c width^p``; return b for p = -1/2, and b for p = -1.

    The finite widths change the exponent by an amount that falls as a power of the width; with
    either power b is the exponent in the limit. Both are NaN with fewer than four widths.
    """
    if len(values) < 4:
        return Estimate(nan, nan, nan, _points(values), 0), nan
    first, second = (_exponents(values, (power,)) for power in CORRECTIONS)
    return _over_seeds(values, first), float(second.mean())


def _exponents(values: ByWidth, corrections: tuple[float, ...]) -> Array:
    """Return every seed's coefficient of log width, beside powers of the width."""
    widths = np.array(list(values), dtype=float)
    regressors = [np.ones_like(widths), np.log(widths), *(widths**p for p in corrections)]
    table = np.stack(list(values.values()))
    if len(widths) < len(regressors):
        return np.full(table.shape[1], nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        fitted: Array = np.linalg.pinv(np.stack(regressors, axis=1))[1] @ np.log(table)
    return fitted


def _over_seeds(values: ByWidth, fitted: Array) -> Estimate:
    return replace(mean(fitted), points=_points(values))


def _points(values: ByWidth) -> int:
    return sum(map(len, values.values()))
