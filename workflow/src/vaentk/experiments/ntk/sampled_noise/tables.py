"""Tables of what sampled noise adds."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def sampled_noise(summaries: Tables) -> pd.DataFrame:
    """Table of the excess and its parts, by width and learning rate."""
    columns = ["way", "width", "learning_rate", "expected", "excess", "excess_low", "excess_high"]
    columns += ["mean_excess", "variance_excess", "predicted"]
    return stack(summaries)[["run", *columns]]


def sampled_noise_rates(rates: Tables) -> pd.DataFrame:
    """Table of the powers of the learning rate."""
    return stack(rates)


def sampled_noise_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of the powers of the width."""
    return stack(slopes)
