"""Whether the late rates of several activations come in the order of lambda_0 (X1)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import stats

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.activations import Activations
from vaentk.experiments.ntk.variants import measure_variants


def measure(
    settings: Activations, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure every activation, width and seed of one run, and the order of the rates."""
    measures = measure_variants(settings, mnist, records, outputs)
    return measures | {"agreement": rank_agreement(measures["members"])}


def rank_agreement(members: pd.DataFrame) -> pd.DataFrame:
    """Compare the order of the activations' late rates with that of lambda_0, at the widest (X1).

    Returns
    -------
    DataFrame
        One row per seed: over the activations, Spearman's rank correlation of the late rate with
        lambda_0, that of the limit kernel's own flow with lambda_0, their difference, and the
        correlation of both rates.
    """
    widest = members[members["width"] == members["width"].max()]
    rows = []
    for seed, part in widest.groupby("seed"):
        own, flow = (_rank_correlation(part, rate, "lambda_0") for rate in ("rate", "rate_flow"))
        rows.append(
            {
                "width": int(widest["width"].iloc[0]),
                "seed": seed,
                "activations": len(part),
                "rank_correlation": own,
                "rank_correlation_flow": flow,
                "rank_less_flow": own - flow,
                "rank_rate_with_flow": _rank_correlation(part, "rate", "rate_flow"),
            }
        )
    return pd.DataFrame(rows)


def _rank_correlation(table: pd.DataFrame, left: str, right: str) -> float:
    return float(stats.spearmanr(table[left], table[right]).statistic)
