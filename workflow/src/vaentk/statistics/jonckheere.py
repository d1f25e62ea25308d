"""The Jonckheere-Terpstra test of whether independent groups rise in their given order.

Hollander, Wolfe & Chicken 2014, section 6.2; ties count one half.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from math import factorial, nan, prod, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

EXACT_STATES: Final = 10_000
"""The p value is exact up to this product of (group size + 1): five groups of five have 7,776."""


def rising(groups: Sequence[Array]) -> tuple[float, float]:
    """Test against the alternative that values rise from group to group.

    Parameters
    ----------
    groups
        Values of each group, (n_i,) each, in the order of the alternative.

    Returns
    -------
    tuple
        Statistic J, the number of pairs from different groups whose later value is larger, a tie
        one half; and its one-sided p value, given the values: exact over all arrangements of them
        among the groups up to `EXACT_STATES`, normal without continuity correction beyond. Both
        are NaN for fewer than two groups.
    """
    if len(groups) < 2:
        return nan, nan
    statistic = sum(
        float((later > earlier[:, None]).sum() + (later == earlier[:, None]).sum() / 2)
        for earlier, later in combinations(groups, 2)
    )
    sizes = tuple(len(group) for group in groups)
    ties = tuple(np.unique(np.concatenate(groups), return_counts=True)[1].tolist())
    if prod(size + 1 for size in sizes) <= EXACT_STATES:
        return statistic, exact_tail(statistic, sizes, ties)
    return statistic, normal_tail(statistic, sizes, ties)


def exact_tail(statistic: float, sizes: tuple[int, ...], ties: tuple[int, ...]) -> float:
    """Return the share of all arrangements with at least this statistic.

    Parameters
    ----------
    statistic
        J, a multiple of one half.
    sizes
        Number of values in each group.
    ties
        How often each value occurs, in ascending order of the values.
    """
    counts = arrangements(sizes, ties)
    return float(counts[round(2 * statistic) :].sum() / counts.sum())


def normal_tail(statistic: float, sizes: tuple[int, ...], ties: tuple[int, ...]) -> float:
    """Return the p value by the normal approximation with the variance corrected for ties."""
    n, t = np.array(sizes, dtype=float), np.array(ties, dtype=float)
    total = n.sum()
    expected = (total**2 - (n**2).sum()) / 4
    variance = (
        total * (total - 1) * (2 * total + 5)
        - (n * (n - 1) * (2 * n + 5)).sum()
        - (t * (t - 1) * (2 * t + 5)).sum()
    ) / 72
    triples = (n * (n - 1) * (n - 2)).sum() * (t * (t - 1) * (t - 2)).sum()
    variance += triples / (36 * total * (total - 1) * (total - 2))
    variance += (n * (n - 1)).sum() * (t * (t - 1)).sum() / (8 * total * (total - 1))
    if len(ties) == 1:
        return 1.0
    return float(ndtr((expected - statistic) / sqrt(variance)))


@lru_cache(maxsize=16)
def arrangements(sizes: tuple[int, ...], ties: tuple[int, ...]) -> Array:
    """Count the arrangements of values among groups by twice their statistic.

    Values are dealt out in ascending order, equal ones together; what has been dealt to each group
    is all that the rest of the statistic depends on.

    Parameters
    ----------
    sizes, ties
        As in `exact_tail`.

    Returns
    -------
    Array
        float64 (2 J_max + 1,): entry k counts those with J = k/2.
    """
    most = sum(2 * earlier * later for earlier, later in combinations(sizes, 2))
    level: dict[tuple[int, ...], Array] = {(0,) * len(sizes): np.eye(1, most + 1)[0]}
    for block in ties:
        following: dict[tuple[int, ...], Array] = {}
        for dealt, counts in level.items():
            left = tuple(size - used for size, used in zip(sizes, dealt, strict=True))
            for shares in _shares(block, left):
                ways = factorial(block) // prod(map(factorial, shares))
                gain = sum(
                    later * (2 * used + earlier)
                    for (used, earlier), (_, later) in combinations(
                        zip(dealt, shares, strict=True), 2
                    )
                )
                state = tuple(used + share for used, share in zip(dealt, shares, strict=True))
                sums = following.setdefault(state, np.zeros(most + 1))
                sums[gain:] += ways * counts[: most + 1 - gain]
        level = following
    return level[sizes]


def _shares(count: int, room: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield all ways to split a count among groups that have so much room."""
    if len(room) == 1:
        if count <= room[0]:
            yield (count,)
        return
    for first in range(min(count, room[0]) + 1):
        for rest in _shares(count - first, room[1:]):
            yield (first, *rest)
