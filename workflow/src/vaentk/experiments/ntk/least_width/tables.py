"""Tables of X3."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack


def least_width(widths: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the least width, by run, number of samples and sigma0."""
    return stack(widths)


def least_width_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the power of n in the least width, by run and sigma0."""
    return stack(slopes)
