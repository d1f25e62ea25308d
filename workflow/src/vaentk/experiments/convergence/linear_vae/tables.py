"""Tables of the linear VAE."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack

LINEAR_QUANTITIES = {
    "mean_gradient": "E_R|grad L(theta_R)|^2",
    "gradient": "|grad L(theta_n)|^2",
    "since": "its mean since the record before",
    "gap": "gap to the optimum",
    "ratio": "E_R|grad L(theta_R)|^2 over log n/sqrt(n)",
}
"""What is followed along n."""

LEVEL_QUANTITIES = {
    "time_gap": "iterations until the gap is at the threshold",
    "time_gradient": "iterations until |grad L(theta_n)|^2 is at the threshold",
    "time_mean_gradient": "iterations until E_R|grad L(theta_R)|^2 is at the threshold",
    "late_gap": "part of the gap left at the end",
    "late_gradient": "part of |grad L(theta_n)|^2 left at the end",
    "raw_mean_gradient": "E_R|grad L(theta_R)|^2 at the last n, not scaled",
    "time_likelihood_gap": "iterations until the gap of log p(x) is at the threshold",
    "codes_likelihood_gap": "codes a data point until then, K times as many",
    "late_likelihood_gap": "part of the gap of log p(x) left at the end",
}
"""What trainings of several beta or K are compared by."""


def linear_vae_slopes(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the powers of n, and how much they change within the last decade."""
    table = stack(slopes)
    table = table.assign(quantity=table["quantity"].map(LINEAR_QUANTITIES))
    columns = ["run", "optimiser", "role", "estimator", "power", "batch", "samples", "quantity"]
    columns += ["claimed", "slope", "low", "high", "drift", "drift_low", "drift_high"]
    return table[[*columns, "points", "step_min", "step_max"]]


def linear_vae_noise(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the powers of B and K in the gradient's noise."""
    columns = ["run", "place", "estimator", "factor", "slope", "low", "high", "points", "share"]
    return stack(slopes)[columns]


def linear_vae_constants(constants: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the bound's constants, how loose it is, and the parameters' largest norm."""
    return stack(constants)


def linear_vae_betas(
    betas: Mapping[str, pd.DataFrame], trends: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of the betas, a column each, with their regime and the power of beta."""
    keys = ["run", "optimiser", "quantity"]
    values = stack(betas)
    used = values.drop_duplicates(["run", "beta"]).assign(optimiser="", value=values["units"])
    used = used.assign(quantity="latent units that the optimum uses")
    values = values.assign(quantity=values["quantity"].map(LEVEL_QUANTITIES))
    wide = pd.concat([used, values]).pivot(index=keys, columns="beta", values="value")
    wide.columns = pd.Index([f"beta {beta:g}" for beta in wide.columns])
    fits = stack(trends)
    fits = fits.assign(quantity=fits["quantity"].map(LEVEL_QUANTITIES))
    table = wide.reset_index().merge(fits, on=keys, how="left")
    return table[[*keys, *wide.columns, "slope", "low", "high", "points"]]


def linear_vae_smoothness(smoothness: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the Hessian's largest eigenvalue by beta."""
    columns = ["run", "radius", "beta", "regime", "curvature", "curvature_low", "curvature_high"]
    return stack(smoothness)[[*columns, "rising", "rising_low", "rising_high", "points"]]


def linear_vae_codes(
    codes: Mapping[str, pd.DataFrame], pairs: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of IWAE's K, each beside its ratio to the next smaller one."""
    keys = ["run", "optimiser", "quantity", "samples"]
    table = stack(codes).merge(stack(pairs), on=keys, how="left")
    table = table.assign(quantity=table["quantity"].map(LEVEL_QUANTITIES))
    return table[[*keys, "value", "low", "high", "ratio", "ratio_low", "ratio_high", "runs"]]
