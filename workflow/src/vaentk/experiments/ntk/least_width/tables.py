"""Tables of X3."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def least_width(widths: Tables) -> pd.DataFrame:
    """Table of the least width, by run, number of samples and sigma0."""
    return stack(widths)


def least_width_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of the power of n in the least width, by run and sigma0."""
    return stack(slopes)
