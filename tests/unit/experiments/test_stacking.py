"""Measures of several runs as one table."""

import pandas as pd

from vaentk.experiments.stacking import stack


def test_stack_names_the_run_first() -> None:
    stacked = stack({"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2]})})
    assert stacked.to_dict("list") == {"run": ["a", "b"], "x": [1, 2]}
