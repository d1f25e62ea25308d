"""The lead of the best code over the second best, which MIG and SAP average over factors."""

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from vaentk.errors import UserError


def lead(
    scores: Float64[NDArray[np.float64], "codes factors"],
) -> Float64[NDArray[np.float64], " factors"]:
    """Best minus second-best score of the codes for every factor: (codes, factors) to (factors,).

    Raises
    ------
    UserError
        If there is only one code.
    """
    if len(scores) < 2:
        raise UserError("MIG and SAP compare two codes: choose a latent size of 2 or more.")
    second, first = np.sort(scores, axis=0)[-2:]
    return np.asarray(first - second, dtype=np.float64)
