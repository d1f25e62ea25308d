"""S1's rates: E|grad L(theta_R)|^2 of the linear VAE against log n / sqrt(n), gap and betas."""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.statistics.bootstrap import coefficients, exponent
from vaentk.statistics.intervals import mean

Array = NDArray[np.float64]

QUANTITIES: Final = ("mean_gradient", "gradient", "gap")
"""E_R|grad L(theta_R)|^2, |grad L(theta_n)|^2 and the gap to probabilistic PCA, of every run."""

VARIANT: Final = ["optimiser", "variant", "role", "estimator", "power", "beta", "batch", "samples"]
"""Columns that name a training."""

DECADES: Final = 1.0
"""Decades of n at the end of a training over which exponents are fitted."""


def claimed(step: Array) -> Array:
    """``log n / sqrt(n)``, the theorem's rate; n = 1 has 0."""
    rate: Array = np.log(step) / np.sqrt(step)
    return rate


def curves(records: pd.DataFrame) -> pd.DataFrame:
    """Average over runs, with 95% intervals (Student's), at every recorded iterate but the start.

    Records have a row a variant, seed and step: `VARIANT`, ``seed``, ``step`` and `QUANTITIES`.
    The table has a row a variant and step: `QUANTITIES` with ``_low`` and ``_high``; ``claimed``,
    log n over sqrt(n); and ``ratio``, of ``mean_gradient`` to it, with its interval.
    """
    rows, keys = [], [*VARIANT, "step"]
    later = records[records["step"] > 0]
    for key, part in later.groupby(keys, sort=False):
        row: dict[str, Any] = dict(zip(keys, key, strict=True))
        for quantity in QUANTITIES:
            row |= mean(part[quantity]).columns(quantity)
        row["claimed"] = float(claimed(np.asarray(row["step"], dtype=float)))
        for end in ("", "_low", "_high"):
            value = row[f"mean_gradient{end}"]
            row[f"ratio{end}"] = value / row["claimed"] if row["step"] > 1 else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def by_run(part: pd.DataFrame, quantity: str) -> tuple[Array, Array]:
    """Return the recorded iterates (T,) of one variant and a quantity there, (R, T)."""
    table = part.pivot(index="seed", columns="step", values=quantity)
    return table.columns.to_numpy(dtype=float), table.to_numpy(dtype=float)


def late(steps: Array, decades: float = DECADES) -> NDArray[np.bool_]:
    """Mark the iterates of the last decades."""
    chosen: NDArray[np.bool_] = steps >= steps.max() / 10**decades * (1 - 1e-9)
    return chosen & (steps > 1)


def slopes(records: pd.DataFrame) -> pd.DataFrame:
    """Fit the powers of n at the end of every training, a row a variant and quantity.

    Quantities are `QUANTITIES` and ``ratio``, ``mean_gradient`` over log n / sqrt(n): slope with
    the interval over resampled runs; ``claimed``, the slope of log n / sqrt(n) over the same
    iterates, for the ratio 0; ``points``, the runs.
    """
    rows = []
    for key, part in records.groupby(VARIANT, sort=False):
        for quantity in (*QUANTITIES, "ratio"):
            steps, values = by_run(part, "mean_gradient" if quantity == "ratio" else quantity)
            chosen = late(steps)
            n, last = steps[chosen], values[:, chosen]
            reference = np.log(claimed(n))
            if quantity == "ratio":
                last, reference = last / claimed(n), np.zeros_like(n)
            expected = float(np.polyfit(np.log(n), reference, 1)[0])
            row = dict(zip(VARIANT, key, strict=True))
            row |= {"quantity": quantity, "claimed": expected}
            row |= exponent(n, last, points=len(last)).as_slope()
            rows.append(row | {"step_min": int(n[0]), "step_max": int(n[-1])})
    return pd.DataFrame(rows)


def dependence(records: pd.DataFrame) -> pd.DataFrame:
    """Fit the powers of B and K in what trainings over a grid of them reach, the other held.

    A row an optimiser, quantity (``mean_gradient`` at the last iterate; ``gradient`` and ``gap``,
    averaged over the last half decade of recorded iterates) and factor (``batch``, ``samples``).
    """
    rows = []
    for optimiser, part in records[records["role"] == "noise"].groupby("optimiser", sort=False):
        groups = list(part.groupby(["batch", "samples"]))
        regressors = np.log(np.array([pair for pair, _ in groups], dtype=float))
        for quantity in QUANTITIES:
            ends = [_end(training, quantity) for _, training in groups]
            powers = coefficients(regressors, np.stack(ends, axis=1))
            for factor, estimate in zip(("batch", "samples"), powers, strict=True):
                row = {"optimiser": optimiser, "quantity": quantity, "factor": factor}
                rows.append(row | estimate.as_slope())
    return pd.DataFrame(rows)


def _end(part: pd.DataFrame, quantity: str) -> Array:
    """What every run has at the end, (R,)."""
    steps, values = by_run(part, quantity)
    if quantity == "mean_gradient":
        return values[:, -1]
    averaged: Array = values[:, late(steps, 0.5)].mean(1)
    return averaged
