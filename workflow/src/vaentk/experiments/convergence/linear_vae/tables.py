"""Tables of S1."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack

LINEAR_QUANTITIES = {
    "mean_gradient": "E_R|grad L(theta_R)|^2",
    "gradient": "|grad L(theta_n)|^2",
    "gap": "gap to the optimum",
    "ratio": "E_R|grad L(theta_R)|^2 over log n/sqrt(n)",
}
"""What the quantities of S1 are called."""

BETA_QUANTITIES = {
    "time_gap": "iterations until the gap is at the threshold",
    "time_gradient": "the same for |grad L(theta_n)|^2",
    "time_mean_gradient": "the same for E_R|grad L(theta_R)|^2",
    "late_gap": "part of the gap left at the end",
    "late_gradient": "part of |grad L(theta_n)|^2 left at the end",
}
"""What the quantities of S1's comparison of betas are called."""


def linear_vae_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of S1's powers of n, of the trainings of the rate and those of constant steps."""
    table = stack(slopes)
    table = table[table["role"].isin(["rate", "constant"])]
    table = table.assign(quantity=table["quantity"].map(LINEAR_QUANTITIES))
    columns = ["run", "optimiser", "estimator", "power", "quantity", "claimed"]
    return table[[*columns, "slope", "low", "high", "points", "step_min", "step_max"]]


def linear_vae_noise(
    slopes: Mapping[str, pd.DataFrame], dependence: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of S1's powers of B and K: in the gradient's noise, then in what training reaches."""
    noise = stack(slopes)
    noise = noise.assign(quantity="noise, " + noise["estimator"] + ", " + noise["place"])
    trained = stack(dependence)
    reached = trained["quantity"].map(LINEAR_QUANTITIES)
    trained = trained.assign(quantity=reached + ", " + trained["optimiser"])
    columns = ["run", "quantity", "factor", "slope", "low", "high", "points", "share"]
    return pd.concat([noise, trained], ignore_index=True)[columns]


def linear_vae_constants(constants: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the bound's constants, and how loose it is."""
    return stack(constants)


def linear_vae_betas(
    betas: Mapping[str, pd.DataFrame], trends: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of S1's betas: a column a beta, and the power of beta with its interval."""
    keys = ["run", "optimiser", "quantity"]
    wide = stack(betas).pivot(index=keys, columns="beta", values="value")
    wide.columns = pd.Index([f"beta {beta:g}" for beta in wide.columns])
    table = stack(trends).merge(wide.reset_index(), on=keys, how="left")
    table = table.assign(quantity=table["quantity"].map(BETA_QUANTITIES))
    return table[[*keys, *wide.columns, "slope", "low", "high", "points"]]
