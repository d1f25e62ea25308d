"""Slopes and means with their intervals: exact cases, a textbook number, and coverage."""

import numpy as np
import pytest

from vaentk.statistics.intervals import line_slope, mean, power_law_slope


def test_an_exact_power_is_found_with_no_uncertainty() -> None:
    widths = np.array([64, 128, 256, 64, 128, 256])
    fit = power_law_slope(widths, 3 * widths**-0.5)
    assert fit.value == pytest.approx(-0.5, abs=1e-14)
    assert fit.high - fit.low == pytest.approx(0, abs=1e-12)
    assert fit.points == 6


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
    assert np.isnan(power_law_slope([1, 2, 4], [1.0, 0.0, 2.0]).value)
    single = mean([3.0])
    assert single.value == 3
    assert np.isnan([single.low, single.high]).all()
