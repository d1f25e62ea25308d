"""Table of X13."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack


def lipschitz(
    powers: Mapping[str, pd.DataFrame], plateaus: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Table of the powers of the distance, and of the ratio at the least one."""
    fitted = stack(powers)[["run", "activation", "slope", "low", "high"]]
    return stack(plateaus).merge(fitted, on=["run", "activation"], how="left")
