"""The scores of Figure 3 together, on samples drawn once for all networks."""

from typing import Any

import numpy as np

from vaentk.data.grid import Grid
from vaentk.metrics import beta_vae, factor_vae, mig, sap
from vaentk.metrics.lookup import Lookup

METRICS = {
    "beta_vae": beta_vae,
    "factor_vae": factor_vae,
    "mig": mig,
    "sap": sap,
}


def draw(grid: Grid, train: int, test: int, generator: np.random.Generator) -> dict[str, Any]:
    """Draw every metric's sample, with so many points to learn from and to test on.

    They come from one generator in this order: a metric put last leaves the others as they are.
    """
    return {
        "beta_vae": beta_vae.draw(grid, generator, train, test),
        "factor_vae": factor_vae.draw(grid, generator, train, train, test),
        "mig": mig.draw(grid, generator, train),
        "sap": sap.draw(grid, generator, train, test),
    }


def score(codes: Lookup, samples: dict[str, Any]) -> dict[str, float]:
    """Score codes by every metric, from 0 to 1."""
    return {name: metric.score(codes, samples[name]).score for name, metric in METRICS.items()}
