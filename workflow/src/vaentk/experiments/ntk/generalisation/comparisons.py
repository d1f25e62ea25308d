"""At which times numbers of images are compared, for measures and figures."""

import numpy as np
import pandas as pd

AT = ("per image", "one time")
"""When curves are compared: at a time in proportion to n, and at the longest of these for all."""

CLAIMED_SLOPE = -0.5
"""Exponent of the width in the distance to the limit kernel, from the spread of Theta(0)."""


def compared(table: pd.DataFrame, at: str, horizon: float) -> pd.DataFrame:
    """Choose the rows at which numbers of images are compared, see `AT`."""
    longest = table["time"][np.isfinite(table["time"])].max()
    times = horizon * table["samples"] if at == "per image" else longest
    return table.loc[np.isclose(table["time"], times)]
