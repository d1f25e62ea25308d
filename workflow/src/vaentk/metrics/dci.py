"""Disentanglement, completeness and informativeness (Eastwood & Williams 2018).

As disentanglement_lib takes them: scikit-learn's gradient-boosted trees predict each factor from
all codes; the importance of a code for a factor is the trees'.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from torch import Tensor

from vaentk.metrics.lookup import rows
from vaentk.metrics.sampling import Split

Array = NDArray[np.float64]

SMALLEST: Final = 1e-11  # added to importances, so that a code of none has an entropy
SEED: Final = 0  # of the order in which a tree tries codes; decides between equally good cuts


class Dci(NamedTuple):
    """The three scores."""

    disentanglement: float
    completeness: float
    informativeness: float
    """Share of the test images whose factor is predicted, mean over factors."""


def score(codes: Float[Tensor, "images latent"], sample: Split, trees: int = 100) -> Dci:
    """Score codes of images.

    There are so many ``trees`` for every value of a factor; disentanglement_lib has 100. Time is
    proportional to them, to the points and to the latent size: hours with all of them large.
    """
    x, x_test = (rows(codes, p.numbers).cpu().numpy() for p in (sample.train, sample.test))
    # Columns of importance sum to one, or to zero where no cut helps.
    importance, informed = [], []
    for y, y_test in zip(sample.train.values.T, sample.test.values.T, strict=True):
        model = GradientBoostingClassifier(n_estimators=trees, random_state=SEED).fit(x, y)
        importance.append(model.feature_importances_)
        informed.append(model.score(x_test, y_test))
    matrix = np.stack(importance, axis=1)
    return Dci(disentanglement(matrix), completeness(matrix), np.mean(informed).item())


def disentanglement(importance: Float64[Array, "latent factors"]) -> float:
    """How far each code matters for one factor alone, codes weighted by their importance.

    One less the entropy over factors, its logarithm's base the number of factors.
    """
    spread = entropy(importance.T + SMALLEST, base=importance.shape[1])
    totals = importance.sum(axis=1)
    whole = totals.sum()
    shares = totals / whole if whole > 0 else np.full(len(totals), 1 / len(totals))
    return float(((1 - spread) * shares).sum())


def completeness(importance: Float64[Array, "latent factors"]) -> float:
    """How far each factor is found in one code alone, factors weighted by their importance.

    One less the entropy over codes, its logarithm's base the number of codes.
    """
    return disentanglement(importance.T)
