"""Page's test of whether measurements rise in a given order of the treatments (Page 1963)."""

from math import nan

import numpy as np
from numpy.typing import ArrayLike

LEAST_BLOCKS, LEAST_TREATMENTS = 2, 3
"""What the test is for; one block, or two treatments, are a sign test's."""


def page_test(blocks: ArrayLike) -> tuple[float, float]:
    """Test against the alternative that every block tends to rise from column to column.

    Parameters
    ----------
    blocks
        (blocks, treatments): a row a block, such as a seed, that has every treatment; the columns
        in the order of the alternative.

    Returns
    -------
    tuple
        Statistic L, the sum over blocks and treatments of ``treatment * rank``, where a treatment
        is its place from 1 and the rank is that within the block, from 1, ties sharing the mean of
        theirs; and its one-sided p value over all orders of every block, exact for up to eight
        treatments and normal beyond, in scipy's way. Ties make an exact p value a little large.
        Both are NaN with less than `LEAST_BLOCKS` or `LEAST_TREATMENTS`, or a value not finite.
    """
    from scipy.stats import page_trend_test  # half a second that figures do without

    table = np.asarray(blocks, dtype=float)
    if table.shape[0] < LEAST_BLOCKS or table.shape[1] < LEAST_TREATMENTS:
        return nan, nan
    if not np.isfinite(table).all():
        return nan, nan
    result = page_trend_test(table)
    return float(result.statistic), float(result.pvalue)
