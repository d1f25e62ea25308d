"""Powers of the width against planted ones."""

import numpy as np
import pandas as pd
import pytest

from vaentk.statistics.slopes import of_largest_widths, power_of_width


@pytest.fixture
def table() -> pd.DataFrame:
    """``3 m^(-1/2)`` for two seeds of four widths out of order; the least width is off it."""
    planted = pd.DataFrame([{"width": m, "seed": s} for m in (512, 64, 256, 128) for s in (0, 1)])
    planted["distance"] = 3 * planted["width"] ** -0.5
    planted.loc[planted["width"] == 64, "distance"] *= 5
    return planted


def test_the_planted_power_is_that_of_the_largest_widths(table: pd.DataFrame) -> None:
    largest = of_largest_widths(table, 3)
    assert list(largest["width"]) == [512, 512, 256, 256, 128, 128], "rows keep their order"
    fit = power_of_width(largest, "distance")
    assert list(fit) == ["slope", "low", "high", "points", "width_min", "width_max"]
    assert fit["slope"] == pytest.approx(-0.5, abs=1e-14)
    assert fit["high"] - fit["low"] == pytest.approx(0, abs=1e-12)
    assert (fit["points"], fit["width_min"], fit["width_max"]) == (6, 128, 512)
    everywhere = power_of_width(of_largest_widths(table, 9), "distance")
    assert everywhere["width_min"] == 64
    assert everywhere["slope"] < -0.9, "the narrow networks are far off"


def test_what_is_not_positive_has_no_power(table: pd.DataFrame) -> None:
    still = power_of_width(table.assign(distance=0.0), "distance")
    assert np.isnan([still["slope"], still["low"], still["high"]]).all()
