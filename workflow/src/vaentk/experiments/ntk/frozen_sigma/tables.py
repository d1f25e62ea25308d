"""Table of X2."""

from collections.abc import Mapping

import pandas as pd

from vaentk.statistics.intervals import mean


def frozen_sigma(
    summaries: Mapping[str, pd.DataFrame], differences: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of X2: a row a width, of what training W_sigma changes and the distance to the kernel.

    Means over seeds with their intervals; the ratio is the largest over seeds.
    """
    rows = []
    for run, difference in differences.items():
        cases = {
            variant: part.set_index("width") for variant, part in summaries[run].groupby("variant")
        }
        for width, part in difference.groupby("width"):
            row = {"run": run, "width": width}
            for name, column in (
                ("sigma_difference", "difference"),
                ("frozen_distance", "distance"),
            ):
                estimate = mean(part[column])
                row |= {name: estimate.value, f"{name}_low": estimate.low}
                row |= {f"{name}_high": estimate.high}
            row["ratio_max"] = float(part["ratio"].max())
            for quantity in ("lambda_0", "rate"):
                for variant in ("trained", "frozen"):
                    row[f"{quantity}_{variant}"] = float(cases[variant][quantity][width])
            rows.append(row)
    return pd.DataFrame(rows)
