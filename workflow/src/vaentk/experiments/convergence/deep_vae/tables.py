"""Tables of S2 to S4."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack

DEEP_NAMES = {
    "gradient_phi": "squared gradient of the encoder",
    "gradient_theta": "squared gradient of the decoder",
    "gradient": "squared gradient",
    "batch_square": "squared gradient of a batch, the authors' statistic",
    "uniform": "mean squared gradient up to n",
    "uniform_ratio": "that over log n / sqrt(n)",
    "gradient_slope": "power of the squared gradient",
    "batch_slope": "power of a batch's squared gradient",
    "steps_to_gradient": "log2 updates to a part of its first gradient",
    "steps_to_excess": "log2 updates to a part of its first loss above its least",
    "early_negative_elbo": "-ELBO after the first epoch",
    "end_negative_elbo": "-ELBO at the end",
    "early_loss": "its own loss after the first epoch",
    "end_loss": "its own loss at the end",
    "early_negative_bound": "bound of a common K after the first epoch",
    "end_negative_bound": "bound of a common K at the end",
}
"""What the quantities of S2 to S4 are called."""


def deep_vae_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of S2 to S4's powers of the number of updates, a row per sweep, value and quantity."""
    table = stack(slopes).drop(columns=["variant", "data", "epochs", "reduced", "freedom"])
    return table.assign(quantity=table["quantity"].map(DEEP_NAMES))


def deep_vae_trends(trends: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of what changes along activations, beta and K, beside what the paper says."""
    table = stack(trends).drop(columns=["data", "epochs", "reduced"])
    return table.assign(quantity=table["quantity"].map(DEEP_NAMES))


def deep_vae_ends(ends: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of bounds after the first and the last epoch, beside the authors' where comparable."""
    bounds = ["negative_elbo", "held_out_negative_elbo", "loss", "negative_bound"]
    intervals = [name for bound in bounds for name in (bound, f"{bound}_low", f"{bound}_high")]
    columns = ["run", "sweep", "value", "epoch", *intervals, "authors", "batch_slope"]
    return stack(ends)[[*columns, "authors_slope", "why_not"]]
