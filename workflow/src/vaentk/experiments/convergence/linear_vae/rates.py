"""S1's rates: E|grad L(theta_R)|^2 of the linear VAE against log n / sqrt(n), and the gap."""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.statistics.bootstrap import coefficients, exponent
from vaentk.statistics.intervals import Estimate, mean

Array = NDArray[np.float64]

QUANTITIES: Final = ("mean_gradient", "gradient", "since", "gap")
"""E_R|grad L(theta_R)|^2, |grad L(theta_n)|^2 at the iterate, its mean `since` the iterate recorded
before, and the gap to probabilistic PCA, of every run."""

ROLES: Final = ("rate", "constant", "noise-limited")
"""Trainings whose powers of n are fitted."""

VARIANT: Final = ["optimiser", "variant", "role", "estimator", "power", "beta", "batch", "samples"]
"""Columns that name a training."""

ROUNDED: Final = 0.01
"""Half decades by which a recorded iterate may miss the end of one."""

DECADES: Final = 1.0
"""Decades of n at the end of a training over which exponents are fitted."""


def claimed(step: Array) -> Array:
    """``log n / sqrt(n)``, the theorem's rate; n = 1 has 0."""
    rate: Array = np.log(step) / np.sqrt(step)
    return rate


def with_since(records: pd.DataFrame) -> pd.DataFrame:
    """Keep the trainings of `ROLES` and add ``since``, the mean of |grad L|^2 between records.

    It is over the iterates after the one recorded before, up to this one, from the running means at
    both: every iterate is in it, where ``gradient`` has one in many. At the start it is
    ``gradient`` itself.
    """
    chosen = records[records["role"].isin(ROLES)].sort_values("step", kind="stable")
    runs = ["optimiser", "variant", "seed"]
    total = chosen["mean_gradient"] * (chosen["step"] + 1)
    sums = total.groupby([chosen[key] for key in runs]).diff()
    since = sums / chosen.groupby(runs)["step"].diff()
    return chosen.assign(since=since.fillna(chosen["gradient"])).sort_index()


def curves(records: pd.DataFrame) -> pd.DataFrame:
    """Average over runs, with 95% intervals (Student's), at every recorded iterate but the start.

    Records have one row per variant, seed and step: `VARIANT`, ``seed``, ``step`` and `QUANTITIES`.
    The table has a row per variant and step: `QUANTITIES` with ``_low`` and ``_high``; ``claimed``,
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
    """Fit the powers of n at the end of every training, one row per variant and quantity.

    Quantities are `QUANTITIES` and ``ratio``, ``mean_gradient`` over log n / sqrt(n): slope with
    the interval over resampled runs; ``claimed``, the slope of log n / sqrt(n) over the same
    iterates, for the ratio 0; ``points``, the runs; ``drift``, see `bend`, with its interval.
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
            row |= exponent(n, last, points=len(last)).as_slope() | bend(n, last).columns("drift")
            rows.append(row | {"step_min": int(n[0]), "step_max": int(n[-1])})
    return pd.DataFrame(rows)


def bend(n: Array, values: Array) -> Estimate:
    """Change of the power of n from the first to the second half of a decade, (T,), (R, T).

    Of a line in logarithms that is broken in the middle; NaN where a half has one iterate or none.
    """
    logs = np.log(n)
    after = np.maximum(logs - (logs[0] + logs[-1]) / 2, 0)
    return coefficients(np.column_stack([logs, after]), values)[1]


def local_slopes(records: pd.DataFrame) -> pd.DataFrame:
    """Fit the power of n of ``since`` in every half decade, from the start and from the optimum.

    These are the trainings by pathwise gradients and the theorem's steps. A row per optimiser, role
    and half decade, counted back from the last iterate, with the iterates from
    ``step_min`` to ``step_max``, at least three: ``slope`` with the interval over resampled runs.
    """
    rows = []
    pathwise = records["estimator"] == "pathwise"
    chosen = records[pathwise & records["role"].isin(["rate", "noise-limited"])]
    for (optimiser, role), part in chosen.groupby(["optimiser", "role"], sort=False):
        steps, values = by_run(part, "since")
        back = 2 * np.log10(steps.max() / np.maximum(steps, 1))
        for half in range(int(back.max()), -1, -1):
            # Recorded iterates are rounded: one at an end belongs to both halves.
            inside = (steps > 0) & (back > half - ROUNDED) & (back < half + 1 + ROUNDED)
            if inside.sum() < 3:
                continue
            ends = {"step_min": int(steps[inside][0]), "step_max": int(steps[inside][-1])}
            fit = exponent(steps[inside], values[:, inside], points=len(values))
            rows.append({"optimiser": optimiser, "role": role, **ends, **fit.as_slope()})
    return pd.DataFrame(rows)
