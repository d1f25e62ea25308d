"""Tables of the convolutional encoder."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def convolutional(summaries: Tables) -> pd.DataFrame:
    """Table by number of channels: kernel at the start, distances, margin to the bound, rates."""
    columns = ["width", "gradients"]
    for quantity in ("norm_over", "flow_distance", "empirical_distance"):
        columns += [quantity, f"{quantity}_low", f"{quantity}_high"]
    columns += ["margin", "margin_time", "rate", "rate_flow", "rate_claimed", "loss_final"]
    return stack(summaries)[["run", *columns]]


def convolutional_slopes(slopes: Tables) -> pd.DataFrame:
    """Table of the powers of the number of channels."""
    return stack(slopes)


def convolutional_kernels(kernels: Tables) -> pd.DataFrame:
    """Table of the limit kernels' spectra, convolutional and fully connected."""
    return stack(kernels)
