"""Figure 3's measures: how disentanglement scores and active units change with the latent size."""

from collections.abc import Iterator
from math import nan

import numpy as np
import pandas as pd

from vaentk.statistics.intervals import line_slope
from vaentk.statistics.trends import page_test

METRICS = {
    "beta_vae": "BetaVAE",
    "factor_vae": "FactorVAE",
    "mig": "MIG",
    "sap": "SAP",
    "dci": "DCI",
}
"""What the scores of `vaentk.metrics.scores` that are shown are called."""

FIGURE_3 = ("beta_vae", "factor_vae", "mig", "sap")
"""The paper's four; others are shown beside them and take no part in its claims."""

TRAINED = "trained"
NULLS = {"untrained": "untrained network", "random": "random code"}
"""What scores without training: the network at its start, and a random code of the same size."""

EXCEPTION = "beta_vae"
"""The metric whose score the paper says grows less on Cars3D than the other three."""

DECIMALS = 12
"""Decimals up to which differences of scores count as equal."""


def trends(scores: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Fit how scores, their differences from the nulls and active units change with latent size.

    Parameters
    ----------
    scores
        A row a latent, seed, beta, network and metric: score in [0, 1]. Every beta has its nulls,
        with the latents and seeds of the trained networks.
    summary
        A row a latent, seed and beta: active_units of the trained network.

    Returns
    -------
    DataFrame
        A row a beta and quantity: effect, the change per doubling of the latent size (ordinary
        least squares over all seeds) with its 95% interval low, high; statistic and p_value of
        Page's test for a rise, whose blocks are the seeds that have every latent size (NaN with
        fewer than two of them, or three sizes); points, the number of observations. Quantities:
        each metric; ``<metric>_minus_untrained`` and ``<metric>_minus_random``, paired by latent
        and seed; ``active_units``; ``beta_vae_rank``, whose effect is the rank of BetaVAE's among
        the four, 1 the smallest; ``beta_vae_minus_least_other``, BetaVAE's score minus that of
        the metric with the least effect among the other three. The interval of the last takes
        that metric as given, though it is chosen from the same data.
    """
    rows = []
    for beta, part in scores.groupby("beta"):
        wide = part.pivot(index=["latent", "seed"], columns=["network", "metric"], values="score")
        units = summary[summary["beta"] == beta].set_index(["latent", "seed"])["active_units"]
        fitted = [_trend(name, values) for name, values in _series(wide, units)]
        fitted += _exception(wide[[TRAINED]].droplevel("network", axis=1), fitted)
        rows += [{"beta": beta, **row} for row in fitted]
    return pd.DataFrame(rows)


def _series(wide: pd.DataFrame, units: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Yield name and values, by latent and seed, of all that is fitted by itself."""
    for metric in METRICS:
        yield metric, wide[TRAINED][metric]
    for null in NULLS:
        for metric in METRICS:
            yield f"{metric}_minus_{null}", wide[TRAINED][metric] - wide[null][metric]
    yield "active_units", units.astype(float)


def _trend(quantity: str, values: pd.Series) -> dict[str, str | float]:
    """Fit and test one quantity, given by latent and seed; pairs without a partner are left out."""
    complete = values.dropna().round(DECIMALS)
    latent = complete.index.get_level_values("latent").to_numpy(float)
    fit = line_slope(np.log2(latent), complete)
    statistic, p_value = page_test(complete.unstack("latent").dropna().to_numpy(float))
    return {
        "quantity": quantity,
        "effect": fit.value,
        "low": fit.low,
        "high": fit.high,
        "statistic": statistic,
        "p_value": p_value,
        "points": fit.points,
    }


def _exception(
    trained: pd.DataFrame, fitted: list[dict[str, str | float]]
) -> list[dict[str, str | float]]:
    """Compare BetaVAE's effect with those of the other three metrics."""
    effects = pd.DataFrame(fitted).set_index("quantity")["effect"][list(FIGURE_3)]
    least = min(effects.index.drop(EXCEPTION), key=lambda metric: float(effects[metric]))
    rank: dict[str, str | float] = {
        "quantity": f"{EXCEPTION}_rank",
        "effect": float(effects.rank(method="min")[EXCEPTION]),
        "low": nan,
        "high": nan,
        "statistic": nan,
        "p_value": nan,
        "points": len(trained),
    }
    difference = trained[EXCEPTION] - trained[least]
    return [rank, _trend(f"{EXCEPTION}_minus_least_other", difference)]


def extremes(scores: pd.DataFrame) -> dict[str, tuple[int, int, float, float]]:
    """Find the best and the worst trained network of a run by the mean of the paper's four scores.

    Returns
    -------
    dict
        Under ``best`` and ``worst``: latent, seed, beta and the mean score.
    """
    trained = scores[(scores["network"] == TRAINED) & scores["metric"].isin(FIGURE_3)]
    means = trained.groupby(["latent", "seed", "beta"], as_index=False)["score"].mean()
    chosen = {"best": means["score"].idxmax(), "worst": means["score"].idxmin()}
    return {
        name: (int(row["latent"]), int(row["seed"]), float(row["beta"]), float(row["score"]))
        for name, place in chosen.items()
        for row in [means.loc[place]]
    }
