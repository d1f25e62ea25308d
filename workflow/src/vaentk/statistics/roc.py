"""Areas under ROC curves of many scores against many labels by ranks, and what images add to them.

The area is the chance that an image with the attribute scores higher than one without, a tie one
half: the statistic of Mann and Whitney over its largest value.
"""

from math import nan, sqrt

import numpy as np
from jaxtyping import Float64, Shaped
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
Codes = NDArray[np.float32] | Array
Labels = NDArray[np.uint8 | np.bool_]


def areas(
    codes: Shaped[Codes, "n units"], labels: Shaped[Labels, "n attributes"]
) -> Float64[Array, "units attributes"]:
    """Measure the area of every unit for every attribute; NaN where all images have it, or none."""
    # Sums of centred ranks are exact.
    ranks = np.stack([rankdata(unit) for unit in codes.T]) - (len(codes) + 1) / 2
    have = labels.sum(axis=0, dtype=float)
    with np.errstate(invalid="ignore"):
        return np.asarray(0.5 + ranks @ labels.astype(float) / (have * (len(codes) - have)))


def two_classes(labels: Labels) -> NDArray[np.bool_]:
    """Say which attributes some images have and others do not: bool (attributes,)."""
    return np.asarray(labels.any(axis=0) & ~labels.all(axis=0))


def influences(
    scores: Float64[Array, "n networks"], label: Shaped[Labels, " n"]
) -> tuple[Float64[Array, " networks"], Float64[Array, "n networks"]]:
    """Measure areas for one label, and how far every image moves them.

    The products of the influences, summed over images, are the covariances of the areas of DeLong,
    DeLong and Clarke-Pearson 1988, over draws of the images: an image's placement is the share of
    the other class that it is on the right side of, a tie one half; its influence is the placement
    minus the area, over ``sqrt(m (m - 1))`` with the m images of its own class. Sums of influences
    are influences of sums, also where the labels differ.

    All are NaN where a score is, or where a class has fewer than two images.
    """
    has = label.astype(bool)
    counts = int(has.sum()), int((~has).sum())
    placed = np.full(scores.shape, nan)
    if min(counts) < 2 or np.isnan(scores).any():
        return np.full(scores.shape[1], nan), placed
    ranks = rankdata(scores, axis=0)
    # A rank among all less that in its own class counts the others below, ties half.
    placed[has] = (ranks[has] - rankdata(scores[has], axis=0)) / counts[1]
    placed[~has] = 1 - (ranks[~has] - rankdata(scores[~has], axis=0)) / counts[0]
    measured = placed[has].mean(axis=0)
    weights = [1 / sqrt(count * (count - 1)) for count in counts]
    return measured, (placed - measured) * np.where(has, *weights)[:, None]
