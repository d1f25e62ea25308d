"""Tables of X3."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def least_width(widths: Tables) -> pd.DataFrame:
    """Table of the least width, by run, number of samples, number of outputs and sigma0."""
    return stack(widths)


def least_width_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of the powers of n, d and lambda_0 in the least width, by run and fit."""
    return stack(slopes)
