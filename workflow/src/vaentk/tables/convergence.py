"""Tables of Surendran et al. 2024: rates, what changes them, noise (S1 to S5)."""

from collections.abc import Mapping

import pandas as pd

from vaentk.tables.stacking import stack

DEEP_NAMES = {
    "gradient_phi": "squared gradient of the encoder",
    "gradient_theta": "squared gradient of the decoder",
    "gradient": "squared gradient",
    "uniform": "mean squared gradient up to n",
    "uniform_ratio": "that over log n / sqrt(n)",
    "gradient_slope": "power of the squared gradient",
    "steps_to_gradient": "log2 updates to a part of its first gradient",
    "steps_to_excess": "log2 updates to a part of its first loss above its least",
    "early_negative_elbo": "-ELBO after the first epoch",
    "end_negative_elbo": "-ELBO at the end",
    "early_loss": "its own loss after the first epoch",
    "end_loss": "its own loss at the end",
    "early_negative_bound": "bound of a common K after the first epoch",
    "end_negative_bound": "bound of a common K at the end",
}
"""What the quantities of S2 to S4 are called."""

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


def gradient_noise(exponents: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of S5: the powers over the whole grid, beside theory's for fixed images."""
    table = stack(exponents)
    columns = ["run", "state", "images", "estimator", "part", "along", "ratio"]
    columns += ["slope", "low", "high", "claimed", "effective", "points", "missing"]
    table = table[table["at"] == "all"][columns]
    named = {"batch": "B", "samples": "K", "budget": "K at constant B K"}
    return table.assign(along=table["along"].map(named))


def gradient_noise_budgets(budgets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of S5: at every budget of codes, the K with the largest ratio."""
    return stack(budgets)[["run", "state", "images", "estimator", "part", "budget", "best", "gain"]]


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


def deep_vae_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of S2 to S4's powers of the number of updates, a row a sweep, value and quantity."""
    table = stack(slopes).drop(columns=["variant", "data", "epochs"])
    return table.assign(quantity=table["quantity"].map(DEEP_NAMES))


def deep_vae_trends(trends: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of what changes along activations, beta and K, beside what the paper says."""
    table = stack(trends).drop(columns=["data", "epochs"])
    return table.assign(quantity=table["quantity"].map(DEEP_NAMES))


def deep_vae_ends(ends: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of bounds after the first and the last epoch, beside the authors' where comparable."""
    columns = ["negative_elbo", "held_out_negative_elbo", "loss", "negative_bound"]
    intervals = [name for column in columns for name in (column, f"{column}_low", f"{column}_high")]
    kept = ["run", "sweep", "value", "epoch", *intervals, "authors", "gradient_slope"]
    return stack(ends)[[*kept, "authors_slope", "why_not"]]
