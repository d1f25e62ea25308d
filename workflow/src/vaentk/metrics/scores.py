"""The scores of Figure 3 together, on samples drawn once for all networks."""

from typing import Any

import numpy as np
from torch import Tensor

from vaentk.data.grid import Grid
from vaentk.metrics import beta_vae, dci, factor_vae, mig, sap

METRICS = {
    "beta_vae": beta_vae,
    "factor_vae": factor_vae,
    "mig": mig,
    "sap": sap,
}
"""The paper's four."""

Points = tuple[int, int]
"""How many to learn from and to test on."""


def draw(
    grid: Grid, points: Points, dci_points: Points, generator: np.random.Generator
) -> dict[str, Any]:
    """Draw every metric's sample; DCI's trees need long, and have points of their own.

    They come from one generator in this order: a metric put last leaves the others as they are.
    """
    train, test = points
    return {
        "beta_vae": beta_vae.draw(grid, generator, train, test),
        "factor_vae": factor_vae.draw(grid, generator, train, train, test),
        "mig": mig.draw(grid, generator, train),
        "sap": sap.draw(grid, generator, train, test),
        "dci": dci.draw(grid, generator, *dci_points),
    }


def score(codes: Tensor, samples: dict[str, Any], dci_trees: int) -> dict[str, float]:
    """Score codes by every metric, from 0 to 1; ``dci`` is the disentanglement of the three."""
    scores = {name: metric.score(codes, samples[name]).score for name, metric in METRICS.items()}
    boosted = dci.score(codes, samples["dci"], dci_trees)
    return scores | {
        "dci": boosted.disentanglement,
        "dci_completeness": boosted.completeness,
        "dci_informativeness": boosted.informativeness,
    }
