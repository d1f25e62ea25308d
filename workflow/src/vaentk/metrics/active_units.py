"""Active units of Burda et al. 2016: how many latent units carry anything about the data."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from vaentk.data.grid import Grid
from vaentk.metrics.lookup import Lookup, Numbers, rows

LEAST_VARIANCE: Final = 0.01


@dataclass(frozen=True, eq=False)
class Sample:
    """Images drawn independently and uniformly: int64 (n,)."""

    numbers: Numbers

    def images(self) -> Numbers:
        """Numbers of all images: int64 (n,)."""
        return self.numbers


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


def draw(grid: Grid, generator: np.random.Generator, n: int = 10_000) -> Sample:
    """Draw `n` images."""
    return Sample(grid.indices(grid.sample(n, generator)))


def score(means: Lookup, logvars: Lookup, sample: Sample) -> ActiveUnits:
    """Count active units.

    Parameters
    ----------
    means, logvars
        Mean and logarithm of the variance of the posterior, (n, latent), looked up by image
        number.
    sample
        The images.
    """
    mean = rows(means, sample.numbers).double()
    logvar = rows(logvars, sample.numbers).double()
    variance = mean.var(dim=0)
    kl = (mean.square() + logvar.expm1() - logvar).mean(dim=0) / 2
    return ActiveUnits(
        count=int((variance > LEAST_VARIANCE).sum()),
        variance=variance.cpu().numpy(),
        kl=kl.cpu().numpy(),
    )
