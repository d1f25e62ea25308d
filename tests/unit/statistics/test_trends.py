"""Page's test: a published example, all orders of the blocks one by one, and what has no test."""

from itertools import permutations, product

import numpy as np
import pytest

from vaentk.statistics.trends import page_test

# Ten students' ratings of tutorials, lectures and seminars, the example of scipy's documentation:
# L = 133.5, exact p 0.0018191.
RATINGS = [
    *([3, 4, 3], [2, 2, 4], [3, 3, 5], [1, 3, 2], [2, 3, 2]),
    *([2, 4, 5], [1, 2, 4], [3, 4, 4], [2, 4, 5], [1, 3, 4]),
]


def by_permutation(blocks: np.ndarray) -> list[float]:
    """L and the share of all orders within blocks, which have no ties, that reach it."""
    places = np.arange(1, blocks.shape[1] + 1)
    ranks = blocks.argsort(axis=1).argsort(axis=1) + 1
    statistic = int((ranks @ places).sum())
    orders = [np.dot(order, places) for order in permutations(places)]
    sums = np.array([sum(chosen) for chosen in product(orders, repeat=len(blocks))])
    return [statistic, float(np.mean(sums >= statistic))]


def test_a_published_example() -> None:
    statistic, p_value = page_test(RATINGS)
    assert statistic == 133.5
    assert p_value == pytest.approx(0.0018191161948127822, rel=1e-12)


@pytest.mark.parametrize("shape", [(2, 3), (3, 4), (5, 3)])
@pytest.mark.parametrize("slope", [-0.5, 0.0, 1.0])
def test_the_exact_p_value_is_that_of_all_orders(shape: tuple[int, int], slope: float) -> None:
    noise = np.random.default_rng(0).standard_normal(shape)
    blocks = noise + slope * np.arange(shape[1])
    assert page_test(blocks) == pytest.approx(by_permutation(blocks), abs=1e-12)


def test_what_all_values_of_a_block_share_has_no_part() -> None:
    blocks = np.random.default_rng(1).standard_normal((4, 4))
    assert page_test(blocks + 100 * np.arange(4)[:, None]) == page_test(blocks)


@pytest.mark.parametrize("shape", [(0, 3), (1, 5), (5, 2), (2, 0)])
def test_too_few_blocks_or_treatments_are_not_tested(shape: tuple[int, int]) -> None:
    assert np.isnan(page_test(np.zeros(shape))).all()


def test_a_missing_value_is_not_tested() -> None:
    assert np.isnan(page_test([[1.0, 2.0, np.nan], [1.0, 2.0, 3.0]])).all()
    assert np.isnan(page_test([[1.0, 2.0, np.inf], [1.0, 2.0, 3.0]])).all()
