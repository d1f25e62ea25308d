"""The BetaVAE score of Higgins et al. 2017: the factor that two images share is predicted.

As disentanglement_lib takes it: 64 pairs of images agree in one factor; from the mean absolute
difference of their codes a logistic regression, in scikit-learn's default, predicts which. That
default was liblinear's one-versus-rest when disentanglement_lib was written and is multinomial now.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from vaentk.data.grid import Grid
from vaentk.metrics.lookup import VALUES_AT_ONCE, Numbers, rows
from vaentk.metrics.sampling import Batches


@dataclass(frozen=True, eq=False)
class Sample:
    """Batches of pairs to learn from and to test on."""

    train: Batches
    test: Batches


def draw(
    grid: Grid, generator: np.random.Generator, train: int, test: int, batch: int = 64
) -> Sample:
    """Draw batches of pairs that share a factor."""
    return Sample(
        Batches.pairs(grid, train, batch, generator), Batches.pairs(grid, test, batch, generator)
    )


def score(codes: Float[Tensor, "images latent"], sample: Sample) -> float:
    """Share of the test batches whose factor is predicted."""
    model = LogisticRegression()
    with warnings.catch_warnings():
        # Where the default ends, after 100 iterations at most, is the definition.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features(codes, sample.train.numbers), sample.train.factors)
    return float(model.score(features(codes, sample.test.numbers), sample.test.factors))


def features(
    codes: Float[Tensor, "images latent"], numbers: Int64[Numbers, "n two batch"]
) -> Float64[NDArray[np.float64], "n latent"]:
    """Mean absolute difference of the codes of pairs."""
    # All first pairs, then all second ones, and so on: the sums stay small enough for a cache.
    ordered = torch.from_numpy(numbers).permute(2, 1, 0).contiguous().to(codes.device)
    parts = torch.split(ordered, max(1, VALUES_AT_ONCE // codes.shape[1]), dim=2)
    return torch.cat([_mean_difference(codes, part) for part in parts]).double().cpu().numpy()


def _mean_difference(codes: Tensor, pairs: Tensor) -> Tensor:
    """Mean absolute difference of pairs, summed in order: int64 (batch, 2, n) to (n, latent).

    numpy's mean rounds so too, and where the regression is stopped early the rounding shows: in
    another order the score differs from disentanglement_lib's in the third decimal.
    """
    total = torch.zeros((), device=codes.device)
    for first, second in pairs:
        total = total + rows(codes, first).sub_(rows(codes, second)).abs_()
    return total / len(pairs)
