"""The Jonckheere-Terpstra test: worked examples, and all arrangements one by one."""

from itertools import combinations, pairwise, permutations
from math import factorial, prod

import numpy as np
import pytest
from scipy import stats

from vaentk.statistics.jonckheere import EXACT_STATES, arrangements, exact_tail, normal_tail, rising

# Hollander, Wolfe & Chicken 2014, Example 6.2 (ties): J = 79, variance 150.29, approximate p 0.0207
PIECES = [[40, 35, 38, 43, 44, 41], [38, 40, 47, 44, 40, 42], [48, 40, 45, 43, 46, 44]]
# Duller 2008 (no ties), as in R's DescTools: J = 59, exact two-sided p 0.01973
COFFEE = [[447, 396, 383, 410], [438, 521, 468, 391, 504, 472], [513, 543, 506, 489, 407]]


def arrays(groups: list[list[int]]) -> list[np.ndarray]:
    return [np.array(group, dtype=float) for group in groups]


def statistic(groups: list[list[float]]) -> float:
    return sum((y > x) + 0.5 * (y == x) for a, b in combinations(groups, 2) for x in a for y in b)


def by_permutation(groups: list[list[float]]) -> float:
    """Share of all orders of the pooled values whose statistic is at least the observed."""
    pooled = [value for group in groups for value in group]
    ends = np.cumsum([0, *map(len, groups)])
    found = [
        statistic([list(order[a:b]) for a, b in pairwise(ends)]) for order in permutations(pooled)
    ]
    return float(np.mean(np.array(found) >= statistic(groups)))


def test_worked_examples() -> None:
    j, p = rising(arrays(PIECES))
    assert j == 79
    ties = tuple(np.unique(np.concatenate(PIECES), return_counts=True)[1])
    assert normal_tail(j, (6, 6, 6), ties) == pytest.approx(0.0207, abs=5e-5)
    assert p == pytest.approx(0.0207, abs=2e-3)
    assert exact_tail(79, (6, 6, 6), (1,) * 18) == pytest.approx(0.0231, abs=5e-5)
    j, p = rising(arrays(COFFEE))
    assert (j, 2 * p) == (59, pytest.approx(0.01973, abs=5e-6))


@pytest.mark.parametrize(
    "groups",
    [
        [[1.0], [2.0], [3.0]],
        [[0.3, 0.1], [0.2, 0.4], [0.35, 0.5]],
        [[1.0, 2.0], [2.0, 2.0, 3.0], [2.0, 1.0]],
        [[5.0, 5.0], [5.0], [5.0, 5.0]],
        [[4.0, 3.0, 1.0], [2.0, 1.0, 0.0]],
    ],
)
def test_the_exact_p_value_is_that_of_all_permutations(groups: list[list[float]]) -> None:
    j, p = rising([np.array(group) for group in groups])
    assert j == statistic(groups)
    assert p == pytest.approx(by_permutation(groups), abs=1e-12)


def test_two_groups_are_mann_and_whitney() -> None:
    generator = np.random.default_rng(0)
    early, late = generator.standard_normal(7), generator.standard_normal(6) + 0.5
    expected = stats.mannwhitneyu(late, early, alternative="greater", method="exact")
    assert rising([early, late]) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize(
    ("sizes", "ties"),
    [((2, 3, 4), (1,) * 9), ((3, 3, 2), (2, 1, 3, 2)), ((5, 5, 5, 5, 5), (4, 8, 1, 3, 9))],
)
def test_arrangements_have_the_number_mean_and_variance_of_the_normal_approximation(
    sizes: tuple[int, ...], ties: tuple[int, ...]
) -> None:
    counts = arrangements(sizes, ties)
    total = sum(sizes)
    assert counts.sum() == factorial(total) // prod(map(factorial, sizes))
    values = np.arange(len(counts)) / 2
    mean = counts @ values / counts.sum()
    deviation = np.sqrt(counts @ (values - mean) ** 2 / counts.sum())
    assert mean == pytest.approx((total**2 - sum(size**2 for size in sizes)) / 4)
    expected = stats.norm.sf(1.0)
    assert normal_tail(mean + deviation, sizes, ties) == pytest.approx(expected, abs=1e-12)


def test_both_ways_agree_where_they_meet_and_many_values_are_approximated() -> None:
    generator = np.random.default_rng(1)
    groups = [generator.integers(0, 20, 5) + step for step in range(5)]
    j, p = rising([group.astype(float) for group in groups])
    ties = tuple(np.unique(np.concatenate(groups), return_counts=True)[1])
    assert p == pytest.approx(normal_tail(j, (5,) * 5, ties), abs=0.005)
    assert EXACT_STATES < 7**5
    many = [generator.standard_normal(6) for _ in range(5)]
    j, p = rising(many)
    assert p == normal_tail(j, (6,) * 5, (1,) * 30)


def test_nothing_rises_where_all_is_equal_or_alone() -> None:
    assert rising([np.ones(40)] * 5)[1] == 1.0
    assert np.isnan(rising([np.ones(3)])).all()
    assert np.isnan(rising([])).all()
