"""Theorem 2's bound, with its error terms as they are at initialisation."""

import numpy as np
import pandas as pd
import torch

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.ridge.regression import KernelRegression
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.spectrum import distance
from vaentk.models.snn import StochasticNetwork
from vaentk.statistics.intervals import geometric_mean
from vaentk.statistics.slopes import by_seed, power_of_width, powers


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
        One row per initialisation, width, seed and beta: initial_worst (E_init), kernel_norm
        (E_Theta), bound, error_worst, and their ratio; and test_norm, the largest ``|K_mu(x, X)|``
        of a test input, which the proof's step I_3 has where the theorem has E_Theta.
    """
    printed = table[(table["reading"] == "beta") & ~table["with_initial"]].reset_index(drop=True)
    inputs = torch.from_numpy(regression.x)
    smoothing = Smoothing(ACTIVATIONS[activation], sigma0)
    lambda_0 = float(np.linalg.eigvalsh(regression.train_train)[0])
    kernel_norm = pd.Series(index=printed.index, dtype=float)
    for _, of_member in printed.groupby(["initial", "width", "seed"]):
        width, seed = map(int, of_member.iloc[0][["width", "seed"]])
        twin = of_member["initial"].iloc[0] == "antisymmetric"
        model = StochasticNetwork(inputs, width, sigma0, smoothing, antisymmetric=twin)
        weights = {k: w[0] for k, w in model.initial_weights((seed,)).items()}
        kernel = TangentKernel.of(weights, inputs, smoothing, parts=("mu",))
        kernel_norm[of_member.index] = distance(kernel, regression.train_train).value
    amplified = kernel_norm * np.sqrt(len(regression.x)) / (lambda_0 + printed["beta"])
    bound = printed["initial_worst"] + amplified
    columns = ["initial", "width", "seed", "beta", "initial_worst", "error_worst"]
    return printed[columns].assign(
        kernel_norm=kernel_norm,
        bound=bound,
        over_bound=printed["error_worst"] / bound,
        test_norm=np.linalg.norm(regression.test_train, axis=1).max(),
    )


def growth(terms: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit a power of the width to the worst error over the bound, and find where it reaches 1.

    The ridge regression that is printed is not where training ends: the error tends to a constant
    while E_Theta falls as m^(-1/2), so that a bound without E_init is passed at some width.

    Returns
    -------
    DataFrame
        One row per initialisation and beta: `power_of_width`, and crossing, the width at which the
        ratio is 1, a geometric mean over seeds with its 95% interval; crossing_by says whether
        every seed's lies between widths that were run, or is extrapolated with that seed's power.
        NaN with E_init, which does not fall with the width: no power holds there.
    """
    rows = []
    for (initial, beta), part in terms.groupby(["initial", "beta"], sort=False):
        found = np.array([crossing(run, slope_widths) for _, run in part.groupby("seed")])
        inside = (found >= part["width"].min()) & (found <= part["width"].max())
        found_by = "interpolated" if inside.all() else "extrapolated"
        if initial == "standard":
            found[:], found_by = np.nan, "none"
        rows.append(
            {"initial": initial, "beta": beta}
            | power_of_width(part, "over_bound", slope_widths)
            | geometric_mean(found).columns("crossing")
            | {"crossing_by": found_by}
        )
    return pd.DataFrame(rows)


def crossing(run: pd.DataFrame, slope_widths: int) -> float:
    """Find the width at which one seed's ratio is 1, in logarithms.

    It is interpolated where the ratio first passes 1 between two widths, and otherwise extrapolated
    from the largest width, or from the least, with the power of the ``slope_widths`` largest; NaN
    where that is not positive.
    """
    ratios = by_seed(run, "over_bound")
    widths = np.log(list(ratios))
    logs = np.log(np.concatenate(list(ratios.values())))
    above = np.flatnonzero(logs >= 0)
    first = int(above[0]) if above.size else len(logs)
    if 0 < first < len(logs):
        around = slice(first - 1, first + 1)
        return float(np.exp(np.interp(0, logs[around], widths[around])))
    power = powers({width: ratios[width] for width in list(ratios)[-slope_widths:]})[0]
    start = -1 if first else 0
    return float(np.exp(widths[start] - logs[start] / power)) if power > 0 else np.nan
