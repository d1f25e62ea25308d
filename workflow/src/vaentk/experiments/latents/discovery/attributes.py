"""Which attributes of a face single latent units carry, and what a linear probe makes of them."""

from collections.abc import Sequence
from math import nan
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from vaentk.statistics.intervals import LEVEL
from vaentk.statistics.roc import (
    VALUES_AT_ONCE,
    Array,
    Codes,
    Labels,
    areas,
    areas_of_ranks,
    bootstrap,
    centred_ranks,
    two_classes,
)

Part = tuple[Codes, Labels]
"""Codes (n, units), finite, and labels, 0 or 1, (n, attributes) of the images of one part."""

Units = NDArray[np.int64]

ITERATIONS: Final = 1000
"""Most that the probe's fit may take; on standardised codes it takes tens."""


def discover(
    train: Part,
    selection: Part,
    test: Part,
    names: Sequence[str],
    threshold: float,
    generator: np.random.Generator,
    resamples: int = 1000,
    permutations: int = 500,
) -> pd.DataFrame:
    """Say which attributes single units carry on images that had no part in choosing the unit.

    An attribute is discovered if the interval of its unit's area lies above the threshold and
    above the permuted-label null. The area of a unit that knows nothing exceeds the null in 5% of
    all cases, and the lower end of its interval at most so often: in 0.02% where it is normal, as
    that takes 1.96 + 1.64 standard errors, but in up to 5% with one or two positives, whose
    bootstrap says little of where others would lie.

    Parameters
    ----------
    train, selection, test
        What the linear probe learns from, what unit and sign are chosen on, and what both are
        measured on.
    threshold
        Least area of a discovery.
    generator
        Draws the bootstrap's samples, then the permutations.

    Returns
    -------
    DataFrame
        A row an attribute: attribute; unit with the largest |area - 1/2| on the selection images
        and sign, -1 where small values tell the attribute (-1 and NaN where these images have one
        class); its area auc on the test images with 95% interval low, high; null, the 95% quantile
        over permutations; area of the linear probe with probe_low, probe_high; positives, the test
        images that have the attribute; discovered.
    """
    codes, labels = test
    unit, sign = choose(areas(*selection))
    scores = np.hstack([sign * codes[:, unit], probe(train, codes)])
    estimates = bootstrap(scores, np.tile(labels, (1, 2)), generator, resamples)
    ends = [(estimate.value, estimate.low, estimate.high) for estimate in estimates]
    table = pd.DataFrame({"attribute": list(names), "unit": unit, "sign": sign})
    table[["auc", "low", "high"]] = ends[: len(names)]
    table["null"] = null(selection, test, generator, permutations)
    table[["probe", "probe_low", "probe_high"]] = ends[len(names) :]
    table["positives"] = labels.sum(axis=0, dtype=np.int64)
    table["discovered"] = (table["low"] > threshold) & (table["low"] > table["null"])
    return table


def choose(measured: Array) -> tuple[Units, Array]:
    """Choose the unit that tells each attribute best from areas (units, attributes).

    Returns
    -------
    unit
        int64 (attributes,): that with the largest |area - 1/2|; -1 where all are NaN.
    sign
        float64 (attributes,): -1 where its area is below 1/2, else 1; NaN where all are NaN.
    """
    strength = np.abs(measured - 0.5)
    measurable = ~np.isnan(strength).all(axis=0)
    unit = np.where(measurable, np.where(np.isnan(strength), -1, strength).argmax(axis=0), -1)
    best = measured[unit, np.arange(measured.shape[1])]
    return unit, np.where(measurable, np.where(best < 0.5, -1.0, 1.0), nan)


def null(
    selection: Part, test: Part, generator: np.random.Generator, permutations: int = 500
) -> Array:
    """Measure how large a chosen unit's test area is when labels say nothing about images.

    Labels are permuted among the images of each part, all attributes of an image together; the
    unit and its sign are chosen anew on the selection images and measured on the test images.
    Returns the 95% quantile over permutations, float64 (attributes,); NaN for an attribute that
    has one class in either part.
    """
    ranks, test_ranks = centred_ranks(selection[0]), centred_ranks(test[0])
    labels, test_labels = (part[1].T.astype(float) for part in (selection, test))
    null_areas = []
    step = max(1, VALUES_AT_ONCE // max(labels.size, test_labels.size))
    for start in range(0, permutations, step):
        orders = [
            [generator.permutation(len(part[1])) for part in (selection, test)]
            for _ in range(min(step, permutations - start))
        ]
        shuffled = np.concatenate([labels[:, order] for order, _ in orders])
        unit, sign = choose(areas_of_ranks(ranks, shuffled.T))
        shuffled = np.concatenate([test_labels[:, order] for _, order in orders])
        measured = areas_of_ranks(test_ranks[unit, None], shuffled[..., None])
        null_areas.append((0.5 + sign * (measured.ravel() - 0.5)).reshape(len(orders), -1))
    return np.asarray(np.quantile(np.concatenate(null_areas), LEVEL, axis=0))


def probe(train: Part, codes: Codes) -> Array:
    """Learn each attribute from whole codes by logistic regression and score other images.

    The codes are standardised by the training images; the penalty is scikit-learn's default,
    half the squared norm of the coefficients beside the sum of the losses. Returns the log-odds,
    float64 (m, attributes), for codes (m, units); NaN where the training images have one class.
    """
    scaler = StandardScaler().fit(train[0].astype(float))
    x, x_other = (scaler.transform(part.astype(float)) for part in (train[0], codes))
    scores = np.full((len(codes), train[1].shape[1]), nan)
    for place in np.flatnonzero(two_classes(train[1])):
        model = LogisticRegression(max_iter=ITERATIONS).fit(x, train[1][:, place])
        scores[:, place] = model.decision_function(x_other)
    return scores


def carried(codes: Codes, labels: Labels) -> tuple[Units, Array]:
    """Find the attribute that every unit tells best, to name the unit by, not to test it.

    Returns the attribute, int64 (units,), -1 where none has two classes; and the unit's area for
    it, float64 (units,), below 1/2 where small values tell the attribute.
    """
    measured = areas(codes, labels).T
    attribute, _ = choose(measured)
    return attribute, measured[attribute, np.arange(measured.shape[1])]
