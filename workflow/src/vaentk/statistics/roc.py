"""Areas under ROC curves of many scores against many labels by ranks, and their intervals.

The area is the chance that an image with the attribute scores higher than one without, a tie one
half: the statistic of Mann and Whitney over its largest value.
"""

from math import nan
from typing import Final

import numpy as np
from jaxtyping import Float64, Int32, Shaped
from numpy.typing import NDArray
from scipy.stats import rankdata

from vaentk.statistics.intervals import LEVEL, Estimate

Array = NDArray[np.float64]
Codes = NDArray[np.float32] | Array
Labels = NDArray[np.uint8 | np.bool_]

VALUES_AT_ONCE: Final = 1 << 22
"""Numbers in a temporary array that would grow with draws or permutations: 32 MiB at 8 bytes."""


def areas(
    codes: Shaped[Codes, "n units"], labels: Shaped[Labels, "n attributes"]
) -> Float64[Array, "units attributes"]:
    """Measure the area of every unit for every attribute; NaN where all images have it, or none."""
    return areas_of_ranks(centred_ranks(codes), labels.astype(float))


def centred_ranks(codes: Shaped[Codes, "n units"]) -> Float64[Array, "units n"]:
    """Rank the images by every unit, equal ones by their mean rank, and centre."""
    return np.stack([rankdata(unit) for unit in codes.T]) - (len(codes) + 1) / 2


def areas_of_ranks(
    ranks: Float64[Array, "*any units n"], labels: Float64[Array, "*any n attributes"]
) -> Float64[Array, "*any units attributes"]:
    """Turn sums of centred ranks, which are exact, into areas."""
    have = labels.sum(axis=-2, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(0.5 + ranks @ labels / (have * (ranks.shape[-1] - have)))


def two_classes(labels: Labels) -> NDArray[np.bool_]:
    """Say which attributes some images have and others do not: bool (attributes,)."""
    return np.asarray(labels.any(axis=0) & ~labels.all(axis=0))


def bootstrap(
    scores: Float64[Array, "n columns"],
    labels: Shaped[Labels, "n columns"],
    generator: np.random.Generator,
    draws: int = 1000,
) -> list[Estimate]:
    """Measure the area of each score for its own label, with a percentile bootstrap interval.

    Images are drawn with replacement, the same for all columns; draws that leave a label with one
    class are passed over. With few images of a class the interval is too narrow: at an area of
    0.65 its lower end is too high in 3%, 4% and 11% of all cases with 200, 20 and 5 of 1000.
    An estimate is NaN where the whole column has no score or the label one class.
    """
    images = len(scores)
    (values,) = _columns(scores, labels, np.ones((images, 1), np.int32))
    step = max(1, VALUES_AT_ONCE // images)
    sampled = np.concatenate(
        [
            _columns(scores, labels, _counts(images, min(step, draws - start), generator))
            for start in range(0, draws, step)
        ]
    )
    measured = ~np.isnan(sampled).all(axis=0)
    ends = np.full((2, len(values)), nan)
    middle = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    ends[:, measured] = np.nanquantile(sampled[:, measured], middle, axis=0)
    return [
        Estimate(float(value), float(low), float(high), images)
        for value, low, high in zip(values, *ends, strict=True)
    ]


def _counts(images: int, draws: int, generator: np.random.Generator) -> NDArray[np.int32]:
    """Draw bootstrap samples and count how often each holds every image: (images, draws)."""
    even = np.full(images, 1 / images)
    return generator.multinomial(images, even, size=draws).T.astype(np.int32, order="C")


def _columns(scores: Array, labels: Labels, counts: NDArray[np.int32]) -> Array:
    """Measure the areas of all columns in all samples: (samples, columns)."""
    measurable = two_classes(labels) & ~np.isnan(scores).any(axis=0)
    measured = np.full((counts.shape[1], scores.shape[1]), nan)
    for place in np.flatnonzero(measurable):
        measured[:, place] = counted_areas(scores[:, place], labels[:, place], counts)
    return measured


def counted_areas(
    score: Float64[Array, " n"],
    label: Shaped[Labels, " n"],
    counts: Int32[NDArray[np.int32], "n samples"],
) -> Float64[Array, " samples"]:
    """Measure areas in samples that hold images so many times; NaN where one has one class."""
    has = label.astype(bool)
    others = np.flatnonzero(~has)
    others = others[np.argsort(score[others])]
    passed = np.zeros((len(others) + 1, counts.shape[1]), np.int32)
    np.cumsum(counts[others], axis=0, out=passed[1:])
    below = passed[np.searchsorted(score[others], score[has], "left")]
    not_above = passed[np.searchsorted(score[others], score[has], "right")]
    won = ((below + not_above) * counts[has]).sum(axis=0, dtype=float) / 2
    pairs = counts[has].sum(axis=0, dtype=float) * passed[-1]
    with np.errstate(invalid="ignore"):
        return np.asarray(won / pairs)
