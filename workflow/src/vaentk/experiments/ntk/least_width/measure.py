"""The least width at which the kernel's prediction is right, and its power of n (X3)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.ntk.least_width import LeastWidth
from vaentk.experiments.ntk.variants import measure_variants
from vaentk.statistics.intervals import line_slope


def measure(
    settings: LeastWidth,
    *,
    mnist: Stored,
    records: Mapping[int, pd.DataFrame],
    outputs: Mapping[int, Stored],
) -> dict[str, pd.DataFrame]:
    """Measure one run: the distances by variant, and the least width that they lead to.

    Parameters
    ----------
    settings
        The run.
    mnist
        The data set.
    records, outputs
        What training left, by width.
    """
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
    for (samples, sigma0), part in members.groupby(["samples", "sigma0"]):
        means = part.groupby("width")["descent_distance"].mean()
        widths, distances = np.log(means.index.to_numpy(float)), np.log(means.to_numpy())
        goal = np.log(tolerance)
        above = np.flatnonzero(distances > goal)
        place = int(np.clip(above[-1] if len(above) else 0, 0, len(widths) - 2))
        across, down = np.diff(widths)[place], np.diff(distances)[place]
        falls = down < 0
        least = widths[place] + (goal - distances[place]) * across / down if falls else np.nan
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
    """Fit the power of n that the least width follows, for every sigma0 and for all (X3)."""
    rows = []
    for sigma0, part in [*widths.groupby("sigma0"), ("all", widths)]:
        logs = np.log(part[["samples", "least_width"]].to_numpy(float))
        if sigma0 == "all":  # one power, a level of its own for every sigma0
            levels = pd.DataFrame(logs).groupby(part["sigma0"].to_numpy()).transform("mean")
            logs = logs - levels.to_numpy()
        groups = part["sigma0"].nunique() if sigma0 == "all" else 1
        fit = line_slope(logs[:, 0], logs[:, 1], levels=groups)
        rows.append({"sigma0": str(sigma0), "claimed": 5.0, **fit.as_slope()})
    return pd.DataFrame(rows)
