"""The scores of Figure 3 together, on samples drawn once for all networks."""

from typing import Any

import numpy as np
from torch import Tensor

from vaentk.data.grid import Grid
from vaentk.metrics import beta_vae, dci, factor_vae, mig, sap
from vaentk.metrics.sampling import Points, Split

METRICS = {
    "beta_vae": beta_vae,
    "factor_vae": factor_vae,
    "mig": mig,
    "sap": sap,
}
"""The paper's four."""


def draw(
    grid: Grid,
    points: tuple[int, int],
    dci_points: tuple[int, int],
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Draw every metric's sample; DCI's trees need long, and have points of their own.

    Points are how many to learn from and to test on. They come from one generator in this order: a
    metric put last leaves the others as they are.
    """
    train, test = points
    return {
        "beta_vae": beta_vae.draw(grid, generator, train, test),
        "factor_vae": factor_vae.draw(grid, generator, train, train, test),
        "mig": Points.draw(grid, train, generator),
        "sap": Split.draw(grid, train, test, generator),
        "dci": Split.draw(grid, *dci_points, generator),
    }


def score(codes: Tensor, samples: dict[str, Any], dci_trees: int | None = None) -> dict[str, float]:
    """Score codes by every metric, from 0 to 1; ``dci`` is the disentanglement of the three.

    DCI is left out where no number of trees is given.
    """
    scores = {name: metric.score(codes, samples[name]) for name, metric in METRICS.items()}
    if dci_trees is None:
        return scores
    boosted = dci.score(codes, samples["dci"], dci_trees)
    return scores | {
        "dci": boosted.disentanglement,
        "dci_completeness": boosted.completeness,
        "dci_informativeness": boosted.informativeness,
    }
