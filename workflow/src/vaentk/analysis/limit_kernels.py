"""Lemma 1's limit kernels on data: their extreme eigenvalues, by activation and sigma0 (W1)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.config import LimitKernels
from vaentk.kernels.limit import least_eigenvalue, limit_kernels

Array = NDArray[np.float64]


def measure(settings: LimitKernels, x: Array) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Evaluate the kernels for every activation and sigma0.

    Parameters
    ----------
    settings
        Which activations and sigma0.
    x
        Inputs with unit rows, (n, d).

    Returns
    -------
    tuple
        A row each with lambda_0 of K and of its three parts, lambda_max, and the series' error;
        and the kernels, (n, n) by ``"<activation>/<sigma0>/<mu|sigma|d>"``.
    """
    rows = []
    kernels: dict[str, Array] = {}
    for name in settings.activations:
        activation = ACTIVATIONS[name]
        for sigma0 in settings.sigma0:
            limit = limit_kernels(activation, sigma0, x)
            parts = {"mu": limit.mu, "sigma": limit.sigma, "d": limit.d}
            kernels |= {f"{name}/{sigma0}/{part}": kernel for part, kernel in parts.items()}
            rows.append(
                {
                    "activation": name,
                    "sigma0": sigma0,
                    "lambda_0": least_eigenvalue(limit.total),
                    "lambda_max": float(np.linalg.eigvalsh(limit.total)[-1]),
                    **{f"lambda_0_{part}": least_eigenvalue(k) for part, k in parts.items()},
                    "series_error": limit.error,
                    "meets_assumptions": activation.meets_assumptions,
                }
            )
    return pd.DataFrame(rows), kernels
