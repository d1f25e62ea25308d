"""Powers with intervals over resampled runs: known exponents, coverage, pairing, what has none."""

import numpy as np
import pytest

from vaentk.statistics.bootstrap import coefficients, exponent, interval, resampled_means

N = np.geomspace(100, 1000, 11)


def test_an_exact_power_is_found_whatever_the_runs_levels() -> None:
    levels = np.array([0.5, 1.0, 3.0])
    found = exponent(N, levels[:, None] * N**-0.7)
    assert (found.value, found.low, found.high) == pytest.approx((-0.7,) * 3, abs=1e-12)
    assert found.points == 11


def test_two_powers_are_told_apart_on_a_grid() -> None:
    """Level 3, B^(-1) and K^(-1/4): two runs of equal mean."""
    pairs = np.array([(b, k) for b in (1, 4, 16) for k in (2, 8)], dtype=float)
    means = 3 * pairs[:, 0] ** -1 * pairs[:, 1] ** -0.25
    first, second = coefficients(np.log(pairs), np.stack([0.5 * means, 1.5 * means]))
    assert (first.value, second.value) == pytest.approx((-1, -0.25), abs=1e-12)


def test_intervals_cover_the_power_of_the_mean_as_often_as_they_say() -> None:
    """80 sets of 60 runs, each with a random level and power of its own, so that points of a curve
    go together; the power of the mean's own curve is the truth. At 95% the count is 76 with a
    deviation of 2; percentile intervals of 60 runs fall a little short."""
    generator = np.random.default_rng(1)

    def runs(count: int) -> np.ndarray:
        powers = -0.5 + 0.2 * generator.standard_normal((count, 1))
        levels = np.exp(0.5 * generator.standard_normal((count, 1)))
        return levels * (N / N[0]) ** powers

    truth = _power_of_the_mean()
    covered = 0
    for _ in range(80):
        found = exponent(N, runs(60))
        covered += found.low <= truth <= found.high
    assert 70 <= covered <= 80


def _power_of_the_mean() -> float:
    """Line through ``log E (N/N_0)^p`` for p normal: ``-0.5 t + 0.02 t^2`` in t = log(N/N_0)."""
    t = np.log(N / N[0])
    return float(np.polyfit(t, -0.5 * t + 0.02 * t**2, 1)[0])


def test_the_same_runs_are_drawn_for_every_measure() -> None:
    values = np.random.default_rng(0).standard_normal((20, 3))
    first, second = resampled_means(values), resampled_means(2 * values)
    np.testing.assert_allclose(second, 2 * first, rtol=1e-12)
    assert first.shape == (2001, 3)
    np.testing.assert_allclose(first[0], values.mean(0))


def test_the_spread_of_resampled_means_is_the_standard_error() -> None:
    """To a tenth: 2,000 resamples know a deviation to 1.6%, 200 runs theirs to 5%."""
    values = np.random.default_rng(0).standard_normal((200, 1))
    assert resampled_means(values)[1:].std() == pytest.approx(1 / np.sqrt(200), rel=0.1)


def test_what_has_no_interval() -> None:
    one = exponent(N, N[None, :] ** -1.0)
    assert one.value == pytest.approx(-1)
    assert np.isnan([one.low, one.high]).all()
    flat = exponent(np.array([5.0, 5.0]), np.ones((3, 2)))
    assert np.isnan([flat.value, flat.low, flat.high]).all()
    lost = interval(np.array([1.0, np.nan, 2.0]), 3)
    assert lost.value == 1
    assert np.isnan([lost.low, lost.high]).all()
