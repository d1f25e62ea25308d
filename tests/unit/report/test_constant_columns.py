"""Columns of one value go into the caption; what varies, or has an interval, stays in the table."""

import pandas as pd

from vaentk.report.page import constants, varied

TABLE = pd.DataFrame(
    {
        "quantity": ["a", "a", "a"],
        "width": [64, 128, 256],
        "samples": [128, 128, 128],
        "slope": [-0.5, -0.5, -0.5],
        "low": [-0.6, -0.6, -0.6],
        "high": [-0.4, -0.4, -0.4],
        "error": [0.1, 0.1, 0.1],
        "error_low": [0.0, 0.0, 0.0],
        "error_high": [0.2, 0.2, 0.2],
        "nothing": [None, None, None],
        "held": [True, True, True],
    }
)


def test_what_is_the_same_in_all_rows_is_said_once() -> None:
    left = ["quantity", "width", "slope", "low", "high", "error", "error_low", "error_high"]
    assert list(varied(TABLE)) == left
    assert constants(TABLE, {"samples": "n"}, {}) == [("n", "128"), ("held", "yes")]


def test_short_tables_keep_all_columns() -> None:
    assert varied(TABLE.head(2)).equals(TABLE.head(2))
    assert constants(TABLE.head(2), {}, {}) == []
