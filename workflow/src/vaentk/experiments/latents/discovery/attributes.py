"""How well single latent units tell attributes of a face, and what a linear probe makes of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from vaentk.statistics.roc import Array, Codes, Labels, two_classes

Part = tuple[Codes, Labels]
"""Codes (n, units), finite, and labels, 0 or 1, (n, attributes) of the images of one part."""

Units = NDArray[np.int64]

ITERATIONS: Final = 1000
"""Most that the probe's fit may take; on standardised codes it takes tens."""


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
    return unit, np.where(measurable, np.where(best < 0.5, -1.0, 1.0), np.nan)


def probe(train: Part, codes: Codes) -> Array:
    """Learn each attribute from whole codes by logistic regression and score other images.

    The codes are standardised by the training images; the penalty is scikit-learn's default,
    half the squared norm of the coefficients beside the sum of the losses. Returns the log-odds,
    float64 (m, attributes), for codes (m, units); NaN where the training images have one class.
    """
    scaler = StandardScaler().fit(train[0].astype(float))
    x, x_other = (scaler.transform(part.astype(float)) for part in (train[0], codes))
    scores = np.full((len(codes), train[1].shape[1]), np.nan)
    for place in np.flatnonzero(two_classes(train[1])):
        model = LogisticRegression(max_iter=ITERATIONS).fit(x, train[1][:, place])
        scores[:, place] = model.decision_function(x_other)
    return scores
