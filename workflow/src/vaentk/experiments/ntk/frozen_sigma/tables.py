"""Table of X2."""

from itertools import product

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.statistics.intervals import geometric_mean


def frozen_sigma(summaries: Tables, differences: Tables) -> pd.DataFrame:
    """Table of X2 by width: what training W_sigma changes, and the distance to the kernel.

    Means over seeds with their intervals; the ratio is the largest over seeds.
    """
    rows = []
    for run, difference in differences.items():
        cases = summaries[run].set_index(["variant", "width"])
        for width, part in difference.groupby("width"):
            row = {"run": run, "width": width}
            row |= geometric_mean(part["difference"]).columns("sigma_difference")
            row |= geometric_mean(part["distance"]).columns("frozen_distance")
            row["ratio_max"] = part["ratio"].max()
            for quantity, variant in product(("lambda_0", "rate"), ("trained", "frozen")):
                row[f"{quantity}_{variant}"] = cases[quantity][variant, width]
            rows.append(row)
    return pd.DataFrame(rows)
