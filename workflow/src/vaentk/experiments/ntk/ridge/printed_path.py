"""Where Theorem 2's proof says that training ends on its own inputs, in two displays."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vaentk.experiments.ntk.ridge.errors import Network
from vaentk.experiments.ntk.ridge.regression import KernelRegression
from vaentk.kernels.ridge import coefficients


def printed_path(regression: KernelRegression, networks: Sequence[Network]) -> pd.DataFrame:
    """Set the limit of the path that the proof prints beside Eq. 18's, for one width.

    The path ``X + exp(-(K + beta) t)(f_0 - X)`` tends to X whatever beta is; Eq. 18 at the training
    inputs, and Eq. 12 with its 1/n kept, lead to ``K (K + ridge)^(-1) X`` with the ridges beta and
    n beta. All distances are Frobenius, on training inputs, over ``|X|_F``.

    Returns
    -------
    DataFrame
        Networks with f_0 = 0, by width, seed and beta: limits_apart, of X and Eq. 18; and of
        the trained network to_path (to X), to_eq18 and to_derived (ridge n beta).
    """
    x, kernel = regression.x, regression.train_train
    samples, size = len(x), np.linalg.norm(x)
    rows = []
    for case, run, followed in networks:
        if not case.antisymmetric:
            continue
        ridges = [regression.ridge(reading, case.beta) for reading in ("beta", "n beta")]
        eq18, derived = (kernel @ coefficients(kernel, x, ridge) for ridge in ridges)
        end, last = followed[-1, :samples], run.iloc[-1]
        rows.append(
            {
                "width": last["width"],
                "seed": last["seed"],
                "beta": case.beta,
                "limits_apart": np.linalg.norm(x - eq18) / size,
                "to_path": np.linalg.norm(end - x) / size,
                "to_eq18": np.linalg.norm(end - eq18) / size,
                "to_derived": np.linalg.norm(end - derived) / size,
            }
        )
    return pd.DataFrame(rows)
