"""Tables of Figure 3."""

from collections.abc import Mapping
from itertools import product
from math import nan

import pandas as pd

from vaentk.experiments.latents.disentanglement.labels import METRICS, NULLS, TRAINED
from vaentk.experiments.stacking import stack
from vaentk.statistics.intervals import mean

TREND_NAMES = METRICS | {
    f"{metric}_minus_{null}": f"{METRICS[metric]} minus {NULLS[null]}"
    for metric, null in product(METRICS, NULLS)
}
TREND_NAMES |= {
    f"{metric}_untrained": f"{name}, untrained network" for metric, name in METRICS.items()
}
TREND_NAMES |= {
    f"beta_vae_minus_{metric}": f"BetaVAE minus {name}" for metric, name in METRICS.items()
}
TREND_NAMES |= {
    "active_units": "active units",
    "beta_vae_rank": "rank of BetaVAE's change among the four, 1 the smallest",
}
"""What the quantities of Figure 3's trends are called."""


def disentanglement(
    scores: Mapping[str, pd.DataFrame], summaries: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of Figure 3: means over seeds with intervals, one column per metric, the nulls beneath.

    ``active_units`` is a mean over seeds, of trained networks alone.
    """
    rows, keys = [], ["beta", "latent", "network"]
    names = {TRAINED: TRAINED, **NULLS}
    for run, table in scores.items():
        units = summaries[run].groupby(["beta", "latent"])["active_units"].mean().to_dict()
        networks = pd.Categorical(table["network"], categories=list(names))
        groups = table.assign(network=networks).groupby(keys, observed=True)
        for (beta, latent, network), part in groups:
            row = {"run": run, "beta": beta, "latent": latent, "network": names[str(network)]}
            row["seeds"] = part["seed"].nunique()
            for metric, of_metric in part.groupby("metric", sort=False):
                if metric in METRICS:
                    row |= mean(of_metric["score"]).columns(str(metric))
            row["active_units"] = units[beta, latent] if network == TRAINED else nan
            rows.append(row)
    return pd.DataFrame(rows)


def disentanglement_trends(trends: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of Figure 3's trends: the change per doubling of the latent size, and its test."""
    table = stack(trends).drop(columns=["freedom", "reduced"])
    return table.assign(quantity=table["quantity"].map(TREND_NAMES))
