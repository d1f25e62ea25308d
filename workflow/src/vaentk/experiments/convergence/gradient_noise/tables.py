"""Tables of S5."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack


def gradient_noise(exponents: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of S5: the powers over the whole grid, beside theory's for fixed images."""
    table = stack(exponents)
    columns = ["run", "state", "images", "estimator", "part", "along"]
    columns += ["slope", "low", "high", "claimed", "points", "missing"]
    table = table[table["at"] == "all"][columns]
    named = {"batch": "B", "samples": "K", "budget": "K at constant B K"}
    return table.assign(along=table["along"].map(named))


def gradient_noise_codes(codes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of S5: how many of K codes count."""
    columns = ["run", "state", "samples", "effective", "effective_low", "effective_high"]
    return stack(codes)[columns]


def gradient_noise_budgets(budgets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of S5: at every budget of codes, the K with the largest ratio."""
    return stack(budgets)[["run", "state", "images", "estimator", "part", "budget", "best", "gain"]]
