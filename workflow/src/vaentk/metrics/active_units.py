"""Active units of Burda et al. 2016: how many latent units carry anything about the data."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from torch import Tensor

LEAST_VARIANCE: Final = 0.01


@dataclass(frozen=True, eq=False)
class ActiveUnits:
    """The number of active units, and each unit's KL divergence."""

    count: int
    """Units whose posterior mean has a sample variance above 0.01 over the data."""
    kl: Float64[NDArray[np.float64], " latent"]
    """Divergence of the posterior from the standard normal prior in nats, mean over the data."""


def score(
    mean: Float[Tensor, "images latent"], logvar: Float[Tensor, "images latent"]
) -> ActiveUnits:
    """Count active units, by the mean and the log variance of every image's posterior."""
    mean, logvar = mean.double(), logvar.double()
    kl = (mean.square() + logvar.expm1() - logvar).mean(dim=0) / 2
    return ActiveUnits(int((mean.var(dim=0) > LEAST_VARIANCE).sum()), kl.cpu().numpy())
