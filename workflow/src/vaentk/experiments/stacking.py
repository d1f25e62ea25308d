"""Measures of several runs as one table."""

from collections.abc import Mapping

import pandas as pd


def stack(measures: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the measures of several runs under each other, with a first column that names the run."""
    return pd.concat([frame.assign(run=run) for run, frame in measures.items()])[
        ["run", *next(iter(measures.values())).columns]
    ]
