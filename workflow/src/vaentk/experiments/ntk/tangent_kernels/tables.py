"""Tables of Lemmas 1 to 3 at finite width."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def tangent_kernels(initial: Tables) -> pd.DataFrame:
    """Table of Lemma 2, by width: means over seeds, and the largest error of an eigenvalue."""
    table = stack(initial)
    columns = ["lambda_0", "lambda_min", "lambda_min_error", "lambda_min_over", "lambda_max"]
    columns += ["norm", "norm_error", "norm_over", "wishart_norm"]
    columns += ["initial_error", "initial_output", "initial_output_limit"]
    columns += ["flow_distance", "flow_distance_time", "rate_over_limit"]
    columns += ["slope_measured", "slope_derived", "slope_printed"]
    ways = {c: "max" if c.endswith("_error") and c != "initial_error" else "mean" for c in columns}
    groups = table.groupby(["run", "outputs", "width"], sort=False, as_index=False)
    averaged: pd.DataFrame = groups.agg(ways)
    return averaged


def tangent_kernels_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of the powers of the width of norms, deviations of blocks and drift."""
    return stack(slopes)


def tangent_kernels_lemma2(widths: Tables) -> pd.DataFrame:
    """Table of the width that Lemma 2 asks for, one row per run."""
    return stack(widths)
