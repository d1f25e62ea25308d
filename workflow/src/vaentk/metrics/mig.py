"""The mutual information gap of Chen et al. 2018, as disentanglement_lib takes it.

Every code is cut into 20 bins of equal width over its own range. The score is the mean over
factors of ``(I_1 - I_2) / H``: the largest mutual information of a code with the factor, less the
second largest, over the factor's entropy.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import NDArray
from torch import Tensor

from vaentk.data.grid import Grid
from vaentk.metrics.gap import lead
from vaentk.metrics.lookup import rows
from vaentk.metrics.sampling import Points

BINS: Final = 20


@dataclass(frozen=True, eq=False)
class Mig:
    """The score and what it is made of.

    Attributes
    ----------
    score : float
    information : float64 (latent, factors)
        Mutual information of each code with each factor in nats.
    entropy : float64 (factors,)
        Entropy of each factor in nats.
    """

    score: float
    information: Float64[NDArray[np.float64], "latent factors"]
    entropy: Float64[NDArray[np.float64], " factors"]


def draw(grid: Grid, generator: np.random.Generator, n: int = 10_000) -> Points:
    """Draw `n` images with their factors."""
    return Points.draw(grid, n, generator)


def score(codes: Tensor, sample: Points) -> Mig:
    """Score codes (n, latent), looked up by image number.

    Raises
    ------
    UserError
        If there is only one code.
    """
    # In float64 every range has 20 bins, even that of a code which all but collapsed.
    bins = discretise(rows(codes, sample.numbers).double().cpu().numpy())
    columns = sample.values.T
    information = np.stack([mutual_information(bins, factor) for factor in columns], axis=1)
    entropy = np.array([mutual_information(factor[:, None], factor)[0] for factor in columns])
    return Mig(float((lead(information) / entropy).mean()), information, entropy)


def discretise(
    codes: Float64[NDArray[np.float64], "n latent"],
) -> Int64[NDArray[np.int64], "n latent"]:
    """Bin of every value over its code's range, 0 to 19: float64 (n, latent) to (n, latent)."""
    bins = [np.digitize(c, np.histogram_bin_edges(c, BINS)[1:-1]) for c in codes.T]
    return np.stack(bins, axis=1)


def mutual_information(
    codes: Int64[NDArray[np.int64], "n latent"], factor: Int64[NDArray[np.int64], " n"]
) -> Float64[NDArray[np.float64], " latent"]:
    """Mutual information of discrete codes with a factor in nats.

    Parameters
    ----------
    codes : int64 (n, latent)
        Values from 0.
    factor : int64 (n,)
        Values from 0.

    Returns
    -------
    float64 (latent,)
    """
    latent, levels, values = codes.shape[1], int(codes.max()) + 1, int(factor.max()) + 1
    cells = (np.arange(latent) * levels + codes) * values + factor[:, None]
    counts = np.bincount(cells.ravel(), minlength=latent * levels * values)
    joint = counts.reshape(latent, levels, values) / len(factor)
    product = joint.sum(axis=2, keepdims=True) * joint.sum(axis=1, keepdims=True)
    ratio = np.divide(joint, product, out=np.ones_like(joint), where=joint > 0)
    information: NDArray[np.float64] = (joint * np.log(ratio)).sum(axis=(1, 2))
    return information.clip(0)
