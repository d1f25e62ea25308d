"""Tables of X11 and X12."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack


def other_models(slopes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the powers of n."""
    table = stack(slopes).drop(columns=["kind", "freedom"])
    named = {"ratio": "mean squared gradient over log n / sqrt(n)", "gradient": "squared gradient"}
    return table.assign(quantity=table["quantity"].map(named))


def other_models_curvature(growth: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of how the largest curvature grows."""
    return stack(growth).drop(columns=["freedom"])
