"""The least width at which the kernel is right, and its powers of n, d and lambda_0 (X3)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.least_width import LeastWidth
from vaentk.experiments.ntk.variants import measure_variants
from vaentk.statistics.intervals import geometric_mean, mean

Array = NDArray[np.float64]

CASE = ["samples", "outputs", "sigma0"]
"""What tells the cases of a run apart."""

FITS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("samples",), ("outputs", "sigma0")),
    (("outputs",), ("samples", "sigma0")),
    (("lambda_0",), ("samples", "outputs")),
    (("samples", "outputs", "lambda_0"), ()),
)
"""Whose powers are fitted together, and what is held fixed: each of its values has its own level.

The first two let lambda_0 follow n and d, as it does; the third moves it by sigma0 alone. The last
holds all three beside each other, as Theorem 1's width does.
"""


def measure(
    settings: LeastWidth, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure the distances of one run by variant, and the least width that they lead to."""
    measures = measure_variants(settings, mnist, records, outputs)
    sizes = {name: case.inputs.outputs for name, case in settings.variants().items()}
    members = measures["members"].assign(outputs=measures["members"]["variant"].map(sizes))
    own = by_seed(members, settings.tolerance)
    return measures | {
        "members": members,
        "least_width": least_widths(own),
        "slopes": slopes(own),
    }


def by_seed(members: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Find the width at which the kernel's prediction is right to a tolerance, for every seed (X3).

    The distance is interpolated in logarithms between neighbouring widths; beyond the widths that
    were run it is extrapolated with the power of the last two, and marked; where the distance does
    not fall there, it is not a number.

    Returns
    -------
    DataFrame
        A row per number n of samples, number d of outputs, sigma0 and seed: lambda_0, least_width,
        extrapolated (whether it lies outside the widths run), distance_widest, and width_printed,
        the width that Theorem 1 prints, ``n^5 d^3 / lambda_0^4`` with constant 1.
    """
    rows = []
    goal = np.log(tolerance)
    for key, part in members.groupby([*CASE, "seed"]):
        run = part.sort_values("width")
        widths, distances = np.log(run["width"].to_numpy(float)), np.log(run["flow_distance"])
        distances = distances.to_numpy()
        above = np.flatnonzero(distances > goal)
        place = int(np.clip(above[-1] if len(above) else 0, 0, len(widths) - 2))
        across, down = np.diff(widths)[place], np.diff(distances)[place]
        least = widths[place] + (goal - distances[place]) * across / down if down < 0 else np.nan
        lambda_0 = float(run["lambda_0"].iloc[0])
        samples, outputs = (float(part[name].iloc[0]) for name in ("samples", "outputs"))
        rows.append(
            dict(zip((*CASE, "seed"), key, strict=True))
            | {
                "lambda_0": lambda_0,
                "least_width": float(np.exp(least)),
                "extrapolated": not widths[0] <= least <= widths[-1],
                "distance_widest": float(run["flow_distance"].iloc[-1]),
                "width_printed": samples**5 * outputs**3 / lambda_0**4,
            }
        )
    return pd.DataFrame(rows)


def least_widths(own: pd.DataFrame) -> pd.DataFrame:
    """Average `by_seed` over seeds: least_width is a geometric mean, with its 95% interval.

    It counts as extrapolated where that of one seed is. ``over_printed`` is by how many orders of
    magnitude Theorem 1's printed width lies above the measured one, with Student's interval.
    """
    rows = []
    for key, part in own.groupby(CASE):
        row = dict(zip(CASE, key, strict=True))
        row |= {"lambda_0": float(part["lambda_0"].mean())}
        row |= geometric_mean(part["least_width"]).columns("least_width")
        row |= {"extrapolated": bool(part["extrapolated"].any())}
        row |= {"distance_widest": float(part["distance_widest"].mean())}
        row |= {"width_printed": float(part["width_printed"].iloc[0])}
        over = mean(np.log10(part["width_printed"] / part["least_width"]))
        rows.append(row | over.columns("over_printed") | {"freedom": over.freedom})
    return pd.DataFrame(rows)


def slopes(own: pd.DataFrame) -> pd.DataFrame:
    """Fit the powers of n, d and lambda_0 that the least width follows, as `FITS` lists them (X3).

    Seeds share images and, across widths, random numbers; a seed gives one power, seeds are
    independent, and the mean has Student's interval with as many degrees of freedom as seeds less
    one, however many cases there are.

    Returns
    -------
    DataFrame
        By fit and power: ``power`` (of what), ``held`` (what is fixed), ``together`` (how many
        powers are fitted at once), ``claimed``, which is the same fit to Theorem 1's printed width,
        the slope and its interval, ``inflation``, by which being collinear with the others
        multiplies its variance, and ``inside``, the share of least widths, of all cases and seeds,
        that lie within the widths run. What does not vary has no row; powers that the cases cannot
        tell apart are NaN.
    """
    rows = []
    for names, held in FITS:
        logs = _centred(own, held)
        varied = [name for name in names if logs[name].abs().max() > 1e-9]
        if len(varied) < min(2, len(names)):
            continue  # nothing varies, or too little for a fit of several
        fits, claims = (_powers(own, logs, varied, of) for of in ("least_width", "width_printed"))
        first = logs[own["seed"] == own["seed"].iloc[0]]
        for place, name in enumerate(varied):
            rows.append(
                {"power": name, "held": ", ".join(held) or "nothing", "together": len(varied)}
                | {"claimed": float(claims[:, place].mean())}
                | mean(fits[:, place]).as_slope()
                | {"inflation": inflations(first[varied].to_numpy())[place]}
                | {"inside": float((~own["extrapolated"]).mean())}
            )
    return pd.DataFrame(rows)


def inflations(regressors: Array) -> Array:
    """Return the variance inflation factor ``1 / (1 - R^2)`` of every centred column of (N, p).

    R^2 is that of regressing the column on the others. NaN where they are linearly dependent.
    """
    scaled = regressors / np.linalg.norm(regressors, axis=0)
    if np.linalg.matrix_rank(scaled, tol=1e-6) < scaled.shape[1]:
        return np.full(scaled.shape[1], np.nan)
    factors: Array = np.diag(np.linalg.inv(scaled.T @ scaled))
    return factors


def _centred(own: pd.DataFrame, held: Sequence[str]) -> pd.DataFrame:
    """Take logarithms, each less its mean over the cases of a seed that share what is held."""
    names = ["samples", "outputs", "lambda_0", "least_width", "width_printed"]
    logs = own[names].apply(np.log)
    levels = logs.groupby([own["seed"], *(own[name] for name in held)])
    centred: pd.DataFrame = logs - levels.transform("mean")
    return centred


def _powers(own: pd.DataFrame, logs: pd.DataFrame, names: list[str], of: str) -> Array:
    """Fit the powers of one quantity for every seed, (S, p)."""
    fitted = []
    for _, part in logs.groupby(own["seed"]):
        x, y = part[names].to_numpy(), part[of].to_numpy()
        defined = np.isfinite(y).all() and np.linalg.matrix_rank(x, tol=1e-6) == len(names)
        fitted.append(np.linalg.lstsq(x, y)[0] if defined else np.full(len(names), np.nan))
    return np.array(fitted)
