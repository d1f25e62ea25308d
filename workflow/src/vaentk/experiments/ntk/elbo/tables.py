"""Tables of the ELBO's reconstruction term."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def elbo(summaries: Tables) -> pd.DataFrame:
    """Table of both parts of the loss, the bound and the latent, by objective and width."""
    columns = ["objective", "width", "floor", "variance_start", "variance_final"]
    columns += ["mean_error_start", "mean_error_final", "over_zero", "margin", "margin_time"]
    columns += ["mean_margin", "rate", "rate_claimed", "latent_std"]
    return stack(summaries)[["run", *columns]]


def elbo_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of the powers of the width."""
    return stack(slopes)
