"""Table of X1."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def activations(members: Tables, summaries: Tables) -> pd.DataFrame:
    """Table of X1: eigenvalues, distances and late rates by activation, the largest lambda_0 first.

    ``rate_tight`` is the slowest mode's rate 2 lambda_0/n, ``condition`` lambda_max/lambda_0.
    """
    tables = {}
    for run, summary in summaries.items():
        meets = members[run].groupby("activation")["meets_assumptions"].first()
        tables[run] = summary.assign(
            meets_assumptions=summary["activation"].map(meets),
            condition=summary["lambda_max"] / summary["lambda_0"],
            rate_tight=2 * summary["lambda_0"] / summary["samples"],
        ).sort_values(["lambda_0", "activation", "width"], ascending=[False, True, True])
    columns = ["activation", "meets_assumptions", "lambda_0", "condition", "width"]
    columns += ["flow_distance", "flow_distance_low", "flow_distance_high"]
    columns += ["empirical_distance", "rate", "rate_low", "rate_high", "rate_flow", "rate_tight"]
    return stack(tables)[["run", *columns]]
