"""Table of Lemma 1."""

import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.stacking import stack


def limit_kernels(eigenvalues: Tables) -> pd.DataFrame:
    """Table of the kernels' extreme eigenvalues, by run, activation and sigma0."""
    return stack(eigenvalues)
