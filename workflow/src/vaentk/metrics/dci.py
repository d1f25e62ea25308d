"""Disentanglement, completeness and informativeness (Eastwood & Williams 2018).

As disentanglement_lib takes them: scikit-learn's gradient-boosted trees predict each factor from
all codes; the importance of a code for a factor is the trees'.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from torch import Tensor

from vaentk.data.grid import Grid
from vaentk.metrics.lookup import rows
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
    importance : float64 (latent, factors)
        Columns sum to one, or to zero where no cut helps.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: Array


def draw(
    grid: Grid, generator: np.random.Generator, train: int = 10_000, test: int = 5_000
) -> Split:
    """Draw images with their factors, to learn from and to test on."""
    return Split.draw(grid, train, test, generator)


def score(codes: Tensor, sample: Split, trees: int = 100) -> Dci:
    """Score codes of images.

    Parameters
    ----------
    codes : (n, latent)
        Looked up by image number.
    sample : Split
    trees : int
        For every value of a factor, one after another; disentanglement_lib has 100. Time is
        proportional to this, to the points and to the latent size: hours with all of them large.
    """
    x, x_test = (rows(codes, p.numbers).cpu().numpy() for p in (sample.train, sample.test))
    importance, informed = [], []
    for y, y_test in zip(sample.train.values.T, sample.test.values.T, strict=True):
        model = GradientBoostingClassifier(n_estimators=trees, random_state=SEED).fit(x, y)
        importance.append(model.feature_importances_)
        informed.append(model.score(x_test, y_test))
    matrix = np.stack(importance, axis=1)
    return Dci(disentanglement(matrix), completeness(matrix), np.mean(informed).item(), matrix)


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
