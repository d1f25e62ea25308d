"""The mutual information gap of Chen et al. 2018, as disentanglement_lib takes it.

Every code is cut into 20 bins of equal width over its own range. The score is the mean over
factors of ``(I_1 - I_2) / H``: the largest mutual information of a code with the factor, less the
second largest, over the factor's entropy.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy.typing import NDArray
from torch import Tensor

from vaentk.errors import UserError
from vaentk.metrics.lookup import rows
from vaentk.metrics.sampling import Points

Array = NDArray[np.float64]

BINS: Final = 20


def score(codes: Float[Tensor, "images latent"], sample: Points) -> float:
    """Score codes; a UserError if there is only one."""
    entropy = [mutual_information(factor[:, None], factor)[0] for factor in sample.values.T]
    return float((lead(information(codes, sample)) / entropy).mean())


def lead(scores: Float64[Array, "codes factors"]) -> Float64[Array, " factors"]:
    """Best minus second-best score of the codes for every factor, of which SAP is the mean too."""
    if len(scores) < 2:
        raise UserError("MIG and SAP compare two codes: choose a latent size of 2 or more.")
    second, first = np.sort(scores, axis=0)[-2:]
    return np.asarray(first - second, dtype=np.float64)


def information(
    codes: Float[Tensor, "images latent"], sample: Points
) -> Float64[Array, "latent factors"]:
    """Mutual information of each code with each factor in nats."""
    # In float64 every range has 20 bins, even that of a code which all but collapsed.
    bins = discretise(rows(codes, sample.numbers).double().cpu().numpy())
    return np.stack([mutual_information(bins, factor) for factor in sample.values.T], axis=1)


def discretise(codes: Float64[Array, "n latent"]) -> Int64[NDArray[np.int64], "n latent"]:
    """Bin of every value over its code's range, from 0 to 19."""
    bins = [np.digitize(c, np.histogram_bin_edges(c, BINS)[1:-1]) for c in codes.T]
    return np.stack(bins, axis=1)


def mutual_information(
    codes: Int64[NDArray[np.int64], "n latent"], factor: Int64[NDArray[np.int64], " n"]
) -> Float64[Array, " latent"]:
    """Mutual information of discrete codes with a factor in nats, all values from 0."""
    latent, levels, values = codes.shape[1], int(codes.max()) + 1, int(factor.max()) + 1
    cells = (np.arange(latent) * levels + codes) * values + factor[:, None]
    counts = np.bincount(cells.ravel(), minlength=latent * levels * values)
    joint = counts.reshape(latent, levels, values) / len(factor)
    product = joint.sum(axis=2, keepdims=True) * joint.sum(axis=1, keepdims=True)
    ratio = np.divide(joint, product, out=np.ones_like(joint), where=joint > 0)
    nats: Array = (joint * np.log(ratio)).sum(axis=(1, 2))
    return nats.clip(0)
