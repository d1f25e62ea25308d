"""Table of Lemma 1."""

from collections.abc import Mapping

import pandas as pd

from vaentk.experiments.stacking import stack


def limit_kernels(eigenvalues: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table of the kernels' extreme eigenvalues, by run, activation and sigma0."""
    return stack(eigenvalues)
