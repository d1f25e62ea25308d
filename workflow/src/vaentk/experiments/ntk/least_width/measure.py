"""The least width at which the kernel's prediction is right, and its power of n (X3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.least_width import LeastWidth
from vaentk.experiments.ntk.variants import measure_variants
from vaentk.statistics.intervals import line_slope


def measure(
    settings: LeastWidth, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure the distances of one run by variant, and the least width that they lead to."""
    measures = measure_variants(settings, mnist, records, outputs)
    widths = least_widths(measures["members"], settings.tolerance)
    return measures | {"least_width": widths, "slopes": slopes(widths)}


def least_widths(members: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Find the width at which the kernel's prediction is right to a tolerance (X3).

    The distance's mean over seeds is interpolated in logarithms between neighbouring widths; beyond
    the widths that were run it is extrapolated with the power of the last two, and marked; where
    the distance does not fall there, it is not a number.

    Returns
    -------
    DataFrame
        A row a number of samples and sigma0: least_width, extrapolated (whether it lies outside
        the widths run), and distance_widest.
    """
    rows = []
    goal = np.log(tolerance)
    for (samples, sigma0), part in members.groupby(["samples", "sigma0"]):
        means = part.groupby("width")["flow_distance"].mean()
        widths, distances = np.log(means.index.to_numpy(float)), np.log(means.to_numpy())
        above = np.flatnonzero(distances > goal)
        place = int(np.clip(above[-1] if len(above) else 0, 0, len(widths) - 2))
        across, down = np.diff(widths)[place], np.diff(distances)[place]
        least = widths[place] + (goal - distances[place]) * across / down if down < 0 else np.nan
        rows.append(
            {
                "samples": int(str(samples)),
                "sigma0": sigma0,
                "least_width": float(np.exp(least)),
                "extrapolated": not widths[0] <= least <= widths[-1],
                "distance_widest": float(means.iloc[-1]),
            }
        )
    return pd.DataFrame(rows)


def slopes(widths: pd.DataFrame) -> pd.DataFrame:
    """Fit the power of n that the least width follows, for every sigma0 and for all (X3).

    The one power of all leaves every sigma0 a level of its own.
    """
    logs = widths[["samples", "least_width"]].apply(np.log)
    levels = widths["sigma0"].nunique()
    centred = logs - logs.groupby(widths["sigma0"]).transform("mean")
    cases = [(str(sigma0), part, 1) for sigma0, part in logs.groupby(widths["sigma0"])]
    rows = []
    for sigma0, part, groups in [*cases, ("all", centred, levels)]:
        fit = line_slope(part["samples"], part["least_width"], levels=groups)
        rows.append({"sigma0": sigma0, "claimed": 5.0, **fit.as_slope()})
    return pd.DataFrame(rows)
