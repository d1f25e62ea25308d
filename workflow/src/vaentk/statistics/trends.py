"""Page's test of whether measurements rise in a given order of the treatments (Page 1963)."""

from math import nan

import numpy as np
from numpy.typing import ArrayLike


def page_test(blocks: ArrayLike) -> tuple[float, float]:
    """Test against the alternative that every block tends to rise from column to column.

    A row is a block, such as a seed, that has every treatment. Return the statistic L, the sum over
    blocks and treatments of ``treatment * rank``, where a treatment is its place from 1 and the
    rank is that within the block, from 1, ties sharing the mean of theirs; and its one-sided p
    value over all orders of every block, exact for up to eight treatments and normal beyond, in
    scipy's way. Ties make an exact p value a little large. Both are NaN for one block or two
    treatments, which are a sign test's, and where a value is not finite.
    """
    from scipy.stats import page_trend_test  # half a second that figures do without

    table = np.asarray(blocks, dtype=float)
    if table.shape[0] < 2 or table.shape[1] < 3 or not np.isfinite(table).all():
        return nan, nan
    result = page_trend_test(table)
    return float(result.statistic), float(result.pvalue)
