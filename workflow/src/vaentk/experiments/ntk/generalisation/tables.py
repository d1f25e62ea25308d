"""Tables of X6."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def generalisation(summaries: Tables) -> pd.DataFrame:
    """Table of held-out errors and distances, by run, comparison, number of images and width."""
    return stack(summaries)


def generalisation_kernels(kernels: Tables) -> pd.DataFrame:
    """Table of what the limit kernel predicts, by run, number of images and time."""
    return stack(kernels)


def generalisation_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of powers of the number of images, by run, comparison, quantity and width."""
    return stack(slopes)
