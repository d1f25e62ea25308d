"""Theorem 2's bound, with its error terms as they are at initialisation."""

import numpy as np
import pandas as pd
import torch

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.ridge.regression import KernelRegression
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.spectrum import distance
from vaentk.models.snn import StochasticNetwork


def error_term(
    regression: KernelRegression, table: pd.DataFrame, activation: str, sigma0: float
) -> pd.DataFrame:
    """Set the worst error beside Theorem 2's bound ``E_init + E_Theta sqrt(n)/(lambda_0 + beta)``.

    The bound is the theorem's for the ridge and the prediction that it prints, ridge beta without
    f_0. ``E_Theta`` is taken at initialisation, ``|Theta_mu(0) - K_mu|_2`` on the training inputs,
    which the largest along training exceeds: the bound shown is a lower bound of the theorem's.

    Returns
    -------
    DataFrame
        A row a width, seed and beta of the standard initialisation: initial_worst (E_init),
        kernel_norm (E_Theta), bound, error_worst, and their ratio.
    """
    printed = table[
        (table["reading"] == "beta") & ~table["with_initial"] & (table["initial"] == "standard")
    ]
    inputs = torch.from_numpy(regression.x)
    smoothing = Smoothing(ACTIVATIONS[activation], sigma0)
    lambda_0 = float(np.linalg.eigvalsh(regression.train_train)[0])
    norms: dict[tuple[int, int], float] = {}
    for width, seed in printed[["width", "seed"]].drop_duplicates().itertuples(index=False):
        model = StochasticNetwork(inputs, int(width), sigma0, smoothing)
        weights = {k: w[0] for k, w in model.initial_weights((int(seed),)).items()}
        kernel = TangentKernel.of(weights, inputs, smoothing, parts=("mu",))
        norms[width, seed] = distance(kernel, regression.train_train).value
    kernel_norm = np.array(
        [norms[key] for key in zip(printed["width"], printed["seed"], strict=True)]
    )
    amplified = kernel_norm * np.sqrt(len(regression.x)) / (lambda_0 + printed["beta"])
    bound = printed["initial_worst"] + amplified
    columns = ["width", "seed", "beta", "initial_worst", "error_worst"]
    return printed[columns].assign(
        kernel_norm=kernel_norm, bound=bound, over_bound=printed["error_worst"] / bound
    )
