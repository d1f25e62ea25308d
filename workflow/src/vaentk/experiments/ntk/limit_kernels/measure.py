"""Lemma 1's limit kernels on data, and what Eqs. 2 and 3 mean for the latent's variance (W1)."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.limit_kernels import LimitKernels
from vaentk.kernels.limit import least_eigenvalue, limit_kernels

Array = NDArray[np.float64]


def measure(settings: LimitKernels, *, mnist: Stored) -> dict[str, Any]:
    """Measure the kernels and the latent's variance on the images of a run, sorted by digit."""
    inputs = inputs_of(mnist.arrays, settings.inputs)
    by_digit = np.argsort(inputs["labels"], kind="stable")
    table, kernels = evaluate(settings, inputs["x"][by_digit])
    middle = settings.sigma0[len(settings.sigma0) // 2]
    return {
        "eigenvalues": table,
        "variance": latent_variance(inputs["x"], middle),
        "kernels": kernels | {"labels": inputs["labels"][by_digit]},
    }


def evaluate(settings: LimitKernels, x: Array) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Evaluate the kernels on unit rows (n, d) for every activation and sigma0.

    Returns
    -------
    tuple
        A row each with lambda_0 of K and of its three parts, lambda_max, and the series' error;
        and the kernels, (n, n) by ``"<activation>/<sigma0>/<mu|sigma|d>"``.
    """
    rows = []
    kernels: dict[str, Array] = {}
    for name, sigma0 in product(settings.activations, settings.sigma0):
        limit = limit_kernels(ACTIVATIONS[name], sigma0, x)
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
                "meets_assumptions": ACTIVATIONS[name].meets_assumptions,
            }
        )
    return pd.DataFrame(rows), kernels


def latent_variance(x: Array, sigma0: float) -> pd.DataFrame:
    """Compare the latent's variance at initialisation as Eq. 2 prints it with Eq. 3's (W1).

    Eq. 2: ``diag(W_sigma x)``, so ``sigma0 sum_a x_a``; Eq. 3: ``sigma0^2 |x|^2``; ``x`` has unit
    rows, (n, d).

    Returns
    -------
    DataFrame
        A row for the inputs as they are (pixels) and for the same less their mean, scaled to unit
        norm again (centred): mean and least of Eq. 2's variance, negative_share (the part of the
        inputs for which it is below zero), and Eq. 3's variance.
    """
    centred = x - x.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    rows = []
    for name, inputs in (("pixels", x), ("centred", centred)):
        printed = sigma0 * inputs.sum(axis=1)
        rows.append(
            {
                "inputs": name,
                "sigma0": sigma0,
                "eq2_mean": float(printed.mean()),
                "eq2_least": float(printed.min()),
                "negative_share": float((printed < 0).mean()),
                "eq3": sigma0**2,
            }
        )
    return pd.DataFrame(rows)
