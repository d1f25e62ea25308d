"""Disentanglement, completeness and informativeness (Eastwood & Williams 2018).

As disentanglement_lib takes them: gradient-boosted trees, in scikit-learn's default, predict each
factor from all codes; the importance of a code for a factor is the trees'.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier

from vaentk.data.grid import Grid
from vaentk.metrics.lookup import Lookup, rows
from vaentk.metrics.sampling import Split

Array = NDArray[np.float64]

SMALLEST: Final = 1e-11  # added to importances, so that a code of none has an entropy
SEED: Final = 0  # of the order in which a tree tries codes; decides between equally good cuts


@dataclass(frozen=True, eq=False)
class Dci:
    """The scores and what they are made of.

    Attributes
    ----------
    disentanglement, completeness : float
    informativeness : float
        Share of the test images whose factor is predicted, mean over factors.
    informativeness_train : float
    importance : float64 (latent, factors)
        Columns sum to one, or to zero where no cut helps.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    informativeness_train: float
    importance: Array


def draw(
    grid: Grid, generator: np.random.Generator, train: int = 10_000, test: int = 5_000
) -> Split:
    """Draw images with their factors, to learn from and to test on."""
    return Split.draw(grid, train, test, generator)


def score(codes: Lookup, sample: Split) -> Dci:
    """Score codes (n, latent), looked up by image number; trees take minutes to hours."""
    x, x_test = (rows(codes, p.numbers).cpu().numpy() for p in (sample.train, sample.test))
    importance, train, test = [], [], []
    for y, y_test in zip(sample.train.values.T, sample.test.values.T, strict=True):
        model = GradientBoostingClassifier(random_state=SEED).fit(x, y)
        importance.append(model.feature_importances_)
        train.append(model.score(x, y))
        test.append(model.score(x_test, y_test))
    matrix = np.stack(importance, axis=1)
    return Dci(
        disentanglement(matrix),
        completeness(matrix),
        np.mean(test).item(),
        np.mean(train).item(),
        matrix,
    )


def disentanglement(importance: Array) -> float:
    """How far each code matters for one factor alone, codes weighted by their importance.

    One less the entropy over factors, its logarithm's base the number of factors.

    Parameters
    ----------
    importance : float64 (latent, factors)
    """
    spread = entropy(importance.T + SMALLEST, base=importance.shape[1])
    return float(((1 - spread) * _share(importance.sum(axis=1))).sum())


def completeness(importance: Array) -> float:
    """How far each factor is found in one code alone, factors weighted by their importance.

    One less the entropy over codes, its logarithm's base the number of codes.

    Parameters
    ----------
    importance : float64 (latent, factors)
    """
    return disentanglement(importance.T)


def _share(totals: Array) -> Array:
    """Weights that sum to one; equal ones where all totals are zero."""
    whole = totals.sum()
    return totals / whole if whole > 0 else np.full(len(totals), 1 / len(totals))
