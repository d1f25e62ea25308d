"""The least width at which the kernel's prediction is right, and its power of n (X3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.least_width import LeastWidth
from vaentk.experiments.ntk.variants import measure_variants
from vaentk.statistics.intervals import geometric_mean, line_slope, mean


def measure(
    settings: LeastWidth, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure the distances of one run by variant, and the least width that they lead to."""
    measures = measure_variants(settings, mnist, records, outputs)
    own = by_seed(measures["members"], settings.tolerance)
    return measures | {"least_width": least_widths(own), "slopes": slopes(own)}


def by_seed(members: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Find the width at which the kernel's prediction is right to a tolerance, for every seed (X3).

    The distance is interpolated in logarithms between neighbouring widths; beyond the widths that
    were run it is extrapolated with the power of the last two, and marked; where the distance does
    not fall there, it is not a number.

    Returns
    -------
    DataFrame
        A row a number of samples, sigma0 and seed: lambda_0, least_width, extrapolated (whether it
        lies outside the widths run), and distance_widest.
    """
    rows = []
    goal = np.log(tolerance)
    for key, part in members.groupby(["samples", "sigma0", "seed"]):
        run = part.sort_values("width")
        widths, distances = np.log(run["width"].to_numpy(float)), np.log(run["flow_distance"])
        distances = distances.to_numpy()
        above = np.flatnonzero(distances > goal)
        place = int(np.clip(above[-1] if len(above) else 0, 0, len(widths) - 2))
        across, down = np.diff(widths)[place], np.diff(distances)[place]
        least = widths[place] + (goal - distances[place]) * across / down if down < 0 else np.nan
        rows.append(
            dict(zip(("samples", "sigma0", "seed"), key, strict=True))
            | {
                "lambda_0": float(run["lambda_0"].iloc[0]),
                "least_width": float(np.exp(least)),
                "extrapolated": not widths[0] <= least <= widths[-1],
                "distance_widest": float(run["flow_distance"].iloc[-1]),
            }
        )
    return pd.DataFrame(rows)


def least_widths(own: pd.DataFrame) -> pd.DataFrame:
    """Average `by_seed` over seeds: least_width is a geometric mean, with its 95% interval.

    It counts as extrapolated where that of one seed is.
    """
    rows = []
    for key, part in own.groupby(["samples", "sigma0"]):
        row = dict(zip(("samples", "sigma0"), key, strict=True))
        row |= {"lambda_0": float(part["lambda_0"].mean())}
        row |= geometric_mean(part["least_width"]).columns("least_width")
        row |= {"extrapolated": bool(part["extrapolated"].any())}
        rows.append(row | {"distance_widest": float(part["distance_widest"].mean())})
    return pd.DataFrame(rows)


def slopes(own: pd.DataFrame) -> pd.DataFrame:
    """Fit the power of n that the least width follows, for every sigma0 and for all (X3).

    A seed gives one power, and seeds are independent: the mean has Student's interval. The one
    power of all leaves every sigma0 a level of its own.
    """
    logs = own[["samples", "least_width"]].apply(np.log).assign(seed=own["seed"])
    levels = logs.groupby([own["sigma0"], own["seed"]])[["samples", "least_width"]]
    centred = logs.assign(**(logs[["samples", "least_width"]] - levels.transform("mean")))
    cases = [(str(sigma0), part) for sigma0, part in logs.groupby(own["sigma0"])]
    rows = []
    for sigma0, part in [*cases, ("all", centred)]:
        fits = [
            line_slope(seed["samples"], seed["least_width"]).value
            for _, seed in part.groupby("seed")
        ]
        rows.append({"sigma0": sigma0, "claimed": 5.0, **mean(fits).as_slope()})
    return pd.DataFrame(rows)
