"""Slopes and means with their intervals: exact cases, a textbook number, and coverage."""

import numpy as np
import pytest

from vaentk.statistics.intervals import (
    Estimate,
    geometric_mean,
    line_slope,
    mean,
    proportion,
    quantile,
)


def test_the_interval_is_students() -> None:
    """By hand: x = 0..3, y = 0, 1, 1, 2: slope 0.6, s^2 = 0.1, se = sqrt(0.02), t(2) = 4.302653."""
    fit = line_slope([0, 1, 2, 3], [0, 1, 1, 2])
    assert fit.value == pytest.approx(0.6)
    assert fit.high - fit.value == pytest.approx(4.302653 * 0.02**0.5, rel=1e-6)
    assert fit.value - fit.low == pytest.approx(4.302653 * 0.02**0.5, rel=1e-6)


def test_the_intervals_cover_as_often_as_they_say() -> None:
    """2000 draws: the coverage of a 95% interval is within 5 standard errors (0.5%) of it."""
    generator = np.random.default_rng(0)
    x = np.repeat([1.0, 2.0, 3.0], 2)
    slopes = [line_slope(x, -0.5 * x + generator.standard_normal(6)) for _ in range(2000)]
    means = [mean(generator.standard_normal(4)) for _ in range(2000)]
    for estimates, truth in ((slopes, -0.5), (means, 0.0)):
        covered = np.mean([e.low <= truth <= e.high for e in estimates])
        assert abs(covered - 0.95) < 0.025


def test_too_little_data_gives_no_interval() -> None:
    two = line_slope([1, 2], [1, 3])
    assert two.value == 2
    assert np.isnan([two.low, two.high]).all()
    assert np.isnan(line_slope([1, 1], [1, 3]).value)
    assert np.isnan(geometric_mean([1.0, 0.0, 2.0]).value)
    single = mean([3.0])
    assert single.value == 3
    assert np.isnan([single.low, single.high]).all()


def test_a_geometric_mean_has_the_interval_of_the_mean_logarithm() -> None:
    """By hand: logarithms -1, 0, 1: mean 0, se 1/sqrt(3), t(2) = 4.302653; never below zero."""
    found = geometric_mean(np.exp([-1.0, 0.0, 1.0]))
    assert found.value == pytest.approx(1)
    assert found.high == pytest.approx(np.exp(4.302653 / 3**0.5), rel=1e-6)
    assert found.low == pytest.approx(1 / found.high)


def test_simultaneous_intervals_are_bonferronis() -> None:
    """Tables: t(2) at 1 - .025/5 is 9.924843, the normal quantile there 2.575829."""
    wide = Estimate(1.0, 1 - 4.302653, 1 + 4.302653, 3, 2).simultaneous(5)
    assert wide.high == pytest.approx(1 + 9.924843, rel=1e-6)
    assert wide.low == pytest.approx(1 - 9.924843, rel=1e-6)
    assert quantile(np.inf, 5) == pytest.approx(2.575829, rel=1e-6)
    alone = Estimate(1.0, 0.0, 3.0, 3, 2)
    assert alone.simultaneous(1) == alone
    skewed = Estimate(1.0, 0.0, 3.0, 50).simultaneous(5)
    assert (skewed.high - 1) / (1 - skewed.low) == pytest.approx(2), "each side by the same ratio"


def test_a_proportion_has_clopper_and_pearsons_interval() -> None:
    """Ends where a tail of the binomial has 2.5%; none or all of n trials: 0.025^(1/n)."""
    from scipy.stats import binom

    found = proportion(15, 20)
    assert found.value == 0.75
    assert binom.sf(14, 20, found.low) == pytest.approx(0.025)
    assert binom.cdf(15, 20, found.high) == pytest.approx(0.025)
    whole, none = proportion(20, 20), proportion(0, 20)
    assert (whole.low, whole.high) == pytest.approx((0.025 ** (1 / 20), 1))
    assert (none.low, none.high) == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
