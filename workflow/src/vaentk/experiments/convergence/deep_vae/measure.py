"""S2 to S4's measures: `curves` of trainings, `trends` along activations, beta and K, `ends`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vaentk.data.facts import Facts
from vaentk.data.stored import Stored
from vaentk.experiments.convergence.deep_vae import DeepVAE, curves, ends, trends


def measure(
    settings: DeepVAE,
    *,
    images: Stored,
    records: Mapping[str, pd.DataFrame],
    published: pd.DataFrame,
) -> dict[str, Any]:
    """Measure how gradients and bounds fall, and where they end."""
    facts = Facts.of(images.note)
    table = curves.curves(records)
    reached = curves.thresholds(table)
    slopes = curves.slopes(table, settings)
    along = trends.trends(table, reached, settings)
    of_run: dict[str, Any] = {"data": facts.data, "epochs": settings.epochs}
    other = "CIFAR-10 in place of CIFAR-100" if facts.dataset == "cifar10" else ""
    of_run["reduced"] = ", ".join(filter(None, (other, settings.reduced)))
    return {
        "curves": table,
        "slopes": slopes.assign(**of_run),
        "thresholds": reached,
        "trends": along.assign(**of_run),
        "ends": ends.ends(table, settings, facts, published),
    }
