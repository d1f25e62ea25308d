"""Table of the powers of K on the linear VAE."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack


def importance_weights(exponents: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the powers over all K and over the upper ones, beside theory's."""
    columns = ["run", "widening", "estimator", "alpha", "part", "at", "slope", "low", "high"]
    columns += ["claimed", "effective", "largest", "points"]
    return stack(exponents)[columns]
