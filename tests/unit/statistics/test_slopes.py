"""Powers of the width against planted ones, and how often their intervals cover them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vaentk.statistics.intervals import mean
from vaentk.statistics.slopes import by_seed, limit, power, power_of_width, powers

WIDTHS = (64, 128, 256, 512)
DRAWS = 4000


def planted(
    quantity: Callable[[np.ndarray], Any], widths: tuple[int, ...] = WIDTHS
) -> pd.DataFrame:
    """A quantity of three seeds, the second half as large as the others, rows out of order."""
    table = pd.DataFrame([{"width": m, "seed": s} for m in widths[::-1] for s in (2, 0, 1)])
    level = np.where(table["seed"] == 1, 0.5, 1.0)
    return table.assign(distance=level * quantity(table["width"].to_numpy(float)))


def test_the_planted_power_is_that_of_the_largest_widths() -> None:
    """Of four widths the least is off the line, and left out."""
    fit = power_of_width(planted(lambda m: 3 * m**-0.5 * np.where(m == 64, 5, 1)), "distance", 3)
    assert fit["slope"] == pytest.approx(-0.5, abs=1e-12)
    assert fit["low"] == pytest.approx(-0.5, abs=1e-12), "a seed's level is no noise"
    assert fit["high"] == pytest.approx(-0.5, abs=1e-12)
    assert (fit["points"], fit["freedom"]) == (9, 2)
    assert (fit["width_min"], fit["width_max"]) == (128, 512)
    assert fit["local"] == "-2.82 -0.50 -0.50"


@pytest.mark.parametrize(("correction", "stable"), [(0.5, True), (30.0, False)])
def test_a_limit_that_is_stable_is_judged_in_place_of_the_slope(
    correction: float, stable: bool
) -> None:
    """``m^(-1/2) (1 + c m^(-1/2))``: slopes are too steep at any finite width."""
    table = planted(lambda m: m**-0.5 * np.exp(correction * m**-0.5))
    fit = power_of_width(table, "distance", 3)
    assert fit["limit"] == pytest.approx(-0.5, abs=1e-10)
    assert fit["slope"] < -0.5
    assert fit["exponent_by"] == ("limit" if stable else "slope"), "1/m's limit is near, or not"
    assert fit["exponent"] == fit["limit" if stable else "slope"]


def test_the_limit_is_exact_for_either_correction() -> None:
    for name, power_of_correction in (("first", -0.5), ("second", -1.0)):
        table = planted(lambda m, p=power_of_correction: m**-0.7 * np.exp(-2 * m**p))
        first, second = limit(by_seed(table, "distance"))
        found = {"first": first.value, "second": second}[name]
        assert found == pytest.approx(-0.7, abs=1e-9)


def test_what_is_missing_or_not_positive_has_no_power() -> None:
    still = power_of_width(planted(lambda m: 0.0 * m), "distance", 3)
    assert np.isnan([still["slope"], still["low"], still["high"]]).all()
    few = power_of_width(planted(lambda m: m**-0.5, WIDTHS[:3]), "distance", 3)
    assert np.isnan(few["limit"]), "three widths fix no line with a correction"
    assert few["exponent"] == pytest.approx(-0.5)
    alone = planted(lambda m: m**-0.5)
    one = power_of_width(alone[alone["seed"] == 0], "distance", 3)
    assert one["slope"] == pytest.approx(-0.5)
    assert np.isnan([one["low"], one["high"]]).all()


def nested(seeds: int, generator: np.random.Generator) -> np.ndarray:
    """Log errors of a mean over the units of a network that is the first part of a wider one."""
    sizes = np.diff([0, *WIDTHS])
    parts = generator.standard_normal((DRAWS, seeds, len(WIDTHS))) * np.sqrt(sizes)
    return np.cumsum(parts, axis=2) / WIDTHS


def independent(seeds: int, generator: np.random.Generator) -> np.ndarray:
    """Log errors of networks that have nothing in common, of one size."""
    return 0.05 * generator.standard_normal((DRAWS, seeds, len(WIDTHS)))


def heteroscedastic(seeds: int, generator: np.random.Generator) -> np.ndarray:
    """The same, as large as a mean over the units."""
    return independent(seeds, generator) * 16 / np.sqrt(WIDTHS)


def levels(seeds: int, generator: np.random.Generator) -> np.ndarray:
    """With a level of each seed."""
    level = 0.2 * generator.standard_normal((DRAWS, seeds, 1))
    return independent(seeds, generator) + level


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("errors", [nested, independent, heteroscedastic, levels])
def test_intervals_cover_the_power_whatever_the_widths_of_a_seed_share(
    errors: Callable[[int, np.random.Generator], np.ndarray], seeds: int
) -> None:
    """Nominal 95%: 92% to 97% of 4000 draws; a binomial's standard error is 0.35%."""
    logs = -0.5 * np.log(WIDTHS) + errors(seeds, np.random.default_rng(seeds))
    drawn = dict(zip(WIDTHS, np.moveaxis(np.exp(logs), 2, 0), strict=True))
    fitted = powers({width: table.ravel() for width, table in drawn.items()})
    found = [mean(of_draw) for of_draw in fitted.reshape(DRAWS, seeds)]
    first = power({width: table[0] for width, table in drawn.items()})
    assert (first.low, first.high) == pytest.approx((found[0].low, found[0].high))
    covered = np.mean([e.low <= -0.5 <= e.high for e in found])
    assert 0.92 <= covered <= 0.97
