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
        One row: Spearman's rank correlation of the mean late rate over seeds with lambda_0, the
        number of activations, and the same correlation for the limit kernel's own flow.
    """
    widest = members[members["width"] == members["width"].max()]
    means = widest.groupby("activation")[["rate", "rate_flow", "lambda_0"]].mean()
    agreement = {
        "rank_correlation": ("rate", "lambda_0"),
        "rank_correlation_flow": ("rate_flow", "lambda_0"),
        "rank_rate_with_flow": ("rate", "rate_flow"),
    }
    row = {
        name: float(stats.spearmanr(means[left], means[right]).statistic)
        for name, (left, right) in agreement.items()
    }
    counted = {"width": int(widest["width"].iloc[0]), "activations": len(means)}
    return pd.DataFrame([counted | row])
