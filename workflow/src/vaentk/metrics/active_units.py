"""Active units of Burda et al. 2016: how many latent units carry anything about the data."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

LEAST_VARIANCE: Final = 0.01


@dataclass(frozen=True, eq=False)
class ActiveUnits:
    """The number of active units and what to know of each unit.

    Attributes
    ----------
    count : int
        Units whose posterior mean has a variance above 0.01.
    variance : float64 (latent,)
        Sample variance of the posterior mean over the data.
    kl : float64 (latent,)
        KL divergence of the posterior from the standard normal prior in nats, mean over the data.
    """

    count: int
    variance: Float64[NDArray[np.float64], " latent"]
    kl: Float64[NDArray[np.float64], " latent"]


def score(mean: Tensor, logvar: Tensor) -> ActiveUnits:
    """Count active units.

    Parameters
    ----------
    mean, logvar
        Mean and logarithm of the variance of every image's posterior, (images, latent).
    """
    mean, logvar = mean.double(), logvar.double()
    variance = mean.var(dim=0)
    kl = (mean.square() + logvar.expm1() - logvar).mean(dim=0) / 2
    return ActiveUnits(
        count=int((variance > LEAST_VARIANCE).sum()),
        variance=variance.cpu().numpy(),
        kl=kl.cpu().numpy(),
    )
