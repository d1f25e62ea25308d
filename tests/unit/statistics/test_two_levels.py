"""Differences between groups of networks: the published formula, and how often intervals cover.

Simulated: a network k tells a label by ``score = gap_k label + common + own``, with gaps that vary
between networks and a part of every image that all networks see. The mean area over networks is
``Phi(gap / sqrt(2 s^2 + tau^2))`` for gaps of deviation tau and noise of deviation s together.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import norm, t

from vaentk.statistics.intervals import Estimate, quantile
from vaentk.statistics.roc import influences
from vaentk.statistics.two_levels import Group, difference, excess, placebo

REPEATS = 500
"""A coverage of 95% has a standard error of 1%, a rate of 5% too."""


class Case(NamedTuple):
    """Deviation of the gaps between networks; share of the images' noise that is common."""

    tau: float
    common: float
    images: int = 200
    networks: int = 5


NETWORKS_VARY = Case(tau=0.8, common=0.3)
BOTH_VARY = Case(tau=0.2, common=0.5)
IMAGES_VARY = Case(tau=0.0, common=0.8)
CASES = [NETWORKS_VARY, BOTH_VARY, IMAGES_VARY]


def area(gap: float, tau: float) -> float:
    """The mean area of all networks over all images."""
    return float(norm.cdf(gap / np.sqrt(2 + tau**2)))


def groups(generator: np.random.Generator, case: Case, gaps: tuple[float, float]) -> list[Group]:
    """Draw two groups on the same images, of which 0.3 have the label.

    The second group sees only half of what the first has in common, so that there is a part that
    images add to the difference.
    """
    label = generator.random(case.images) < 0.3
    shared = generator.standard_normal((case.images, 2)) * np.sqrt(case.common / 2)
    drawn = []
    for place, gap in enumerate(gaps):
        own_gaps = gap + case.tau * generator.standard_normal(case.networks)
        common = shared[:, 0] + shared[:, 1] * (1 if place == 0 else -1)
        own = generator.standard_normal((case.images, case.networks)) * np.sqrt(1 - case.common)
        drawn.append(Group(*influences(label[:, None] * own_gaps + common[:, None] + own, label)))
    return drawn


@cache
def simulated(case: Case, gaps: tuple[float, float]) -> list[list[Group]]:
    generator = np.random.default_rng(0)
    return [groups(generator, case, gaps) for _ in range(REPEATS)]


def covered(estimates: list[Estimate], truth: float) -> float:
    return float(np.mean([e.low <= truth <= e.high for e in estimates]))


def test_the_interval_is_obuchowskis_and_rocketts() -> None:
    """Written out with the covariance matrix over images, for groups of 3 and of 4."""
    generator = np.random.default_rng(1)
    first, second = groups(generator, BOTH_VARY, (1.0, 0.5))
    first = Group(first.values[:3], first.influences[:, :3])
    second = Group(second.values[:4], second.influences[:, :4])
    covariance = np.cov(np.hstack([first.influences, second.influences]).T) * (200 - 1)
    one, two, cross = covariance[:3, :3], covariance[3:, 3:], covariance[:3, 3:]
    cov2 = [block[~np.eye(len(block), dtype=bool)].mean() for block in (one, two)]
    parts = [first.values.var(ddof=1) / 3, second.values.var(ddof=1) / 4]
    variance = sum(parts) + max(sum(cov2) - 2 * cross.mean(), 0)
    freedom = variance**2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)
    found = difference(first, second)
    assert found.value == pytest.approx(first.values.mean() - second.values.mean(), rel=1e-12)
    assert found.freedom == pytest.approx(freedom, rel=1e-10)
    half = t.ppf(0.975, freedom) * np.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert found.points == 7


@pytest.mark.parametrize("case", CASES)
def test_intervals_cover_over_networks_and_images(case: Case) -> None:
    """Five networks a group; within 3 errors of the simulation, or a little wide."""
    gaps = 1.2, 0.6
    truth = area(gaps[0], case.tau) - area(gaps[1], case.tau)
    share = covered([difference(*pair) for pair in simulated(case, gaps)], truth)
    assert 0.92 < share < 0.985


@pytest.mark.parametrize("case", CASES)
def test_the_variance_is_that_of_the_differences(case: Case) -> None:
    """500 differences know their variance to 6%; what is cut off at zero adds a little."""
    found = [difference(*pair) for pair in simulated(case, (1.2, 0.6))]
    errors = [(e.high - e.low) / 2 / quantile(e.freedom) for e in found]
    values = np.array([e.value for e in found])
    assert np.mean(np.square(errors)) == pytest.approx(values.var(ddof=1), rel=0.2)


def test_one_level_alone_covers_too_little() -> None:
    """DeLong's interval takes these networks for all, Student's these images."""
    gaps, found = (1.2, 0.6), []
    for case in (NETWORKS_VARY, IMAGES_VARY):
        truth = area(gaps[0], case.tau) - area(gaps[1], case.tau)
        hits = np.zeros(2)
        for first, second in simulated(case, gaps):
            apart = first.values.mean() - second.values.mean()
            moved = first.influences.mean(axis=1) - second.influences.mean(axis=1)
            of_images = 1.96 * np.sqrt(moved @ moved)
            of_networks = 2.306 * np.sqrt((first.scatter + second.scatter) / 5)
            hits += [abs(apart - truth) <= half for half in (of_images, of_networks)]
        found.append(hits / REPEATS)
    assert found[0][0] < 0.6
    assert found[1][1] < 0.9


@pytest.mark.parametrize("case", CASES)
def test_two_groups_of_seeds_of_one_size_are_rarely_called_different(case: Case) -> None:
    """5% by construction; three standard errors more."""
    found = [difference(*pair) for pair in simulated(case, (0.9, 0.9))]
    assert np.mean([e.low > 0 or e.high < 0 for e in found]) < 0.05 + 3 * 0.01


def test_the_placebo_is_the_root_mean_square_over_all_pairs_of_a_group() -> None:
    first, second = groups(np.random.default_rng(2), NETWORKS_VARY, (1.0, 0.5))
    squares = [
        np.mean([(a - b) ** 2 for k, a in enumerate(g.values) for b in g.values[:k]])
        for g in (first, second)
    ]
    assert placebo(first, second).value == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_the_excess_over_the_placebo_covers(case: Case) -> None:
    """The true placebo is the deviation of a difference of two networks on common images."""
    gaps = 1.2, 0.6
    pairs = simulated(case, gaps)
    within = [placebo(*pair) for pair in pairs]
    truth = np.sqrt(np.mean([e.value**2 for e in within]))
    assert 0.92 < covered(within, truth) < 0.98
    beyond = area(gaps[0], case.tau) - area(gaps[1], case.tau) - truth
    found = [excess(difference(*pair), own) for pair, own in zip(pairs, within, strict=True)]
    assert 0.92 < covered(found, beyond) < 0.99


def test_one_network_has_no_interval_and_equal_ones_have_that_of_images() -> None:
    first, second = groups(np.random.default_rng(3), BOTH_VARY, (1.0, 0.5))
    alone = Group(first.values[:1], first.influences[:, :1])
    for pair in ((alone, second), (second, alone)):
        found, within = difference(*pair), placebo(*pair)
        assert np.isfinite(found.value)
        assert np.isnan([found.low, found.high, within.value, excess(found, within).low]).all()
    same = [Group(g.values[[0, 0]], g.influences[:, [0, 0]]) for g in (first, second)]
    moved = first.influences[:, 0] - second.influences[:, 0]
    found = difference(same[0], same[1])
    assert found.freedom == np.inf
    assert found.high - found.value == pytest.approx(1.95996 * np.sqrt(moved @ moved), rel=1e-4)
    within = placebo(same[0], same[1])
    assert (within.value, within.low, within.high) == (0, 0, 0)
