"""The FactorVAE score of Kim & Mnih 2018: the factor that a batch of images shares is predicted.

As disentanglement_lib takes it: codes whose standard deviation over the data is below 0.05 are
pruned; of the others, the one whose variance within the batch is least against its variance over
the data votes for the batch's factor; a code then stands for the factor that most votes gave it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.data.grid import Grid
from vaentk.metrics.lookup import Numbers, blocks, rows
from vaentk.metrics.sampling import Batches

LEAST_DEVIATION: Final = 0.05


@dataclass(frozen=True, eq=False)
class Sample:
    """Images for the variance over the data, and batches to learn from and to test on.

    Attributes
    ----------
    numbers : int64 (n,)
        Images for the variance over the data.
    train, test : Batches
        Batches that share the value of a factor.
    """

    numbers: Numbers
    train: Batches
    test: Batches


@dataclass(frozen=True)
class FactorVae:
    """The score and what to know of it.

    Attributes
    ----------
    score : float
        Share of the test batches whose factor is found; 0 where all codes are pruned.
    train_accuracy : float
    kept : int
        Codes that were not pruned.
    """

    score: float
    train_accuracy: float
    kept: int


def draw(
    grid: Grid,
    generator: np.random.Generator,
    variance: int = 10_000,
    train: int = 10_000,
    test: int = 5_000,
    batch: int = 64,
) -> Sample:
    """Draw `variance` images, and batches of `batch` that share the value of a factor."""
    return Sample(
        grid.indices(grid.sample(variance, generator)),
        Batches.sharing(grid, train, batch, generator),
        Batches.sharing(grid, test, batch, generator),
    )


def score(codes: Tensor, sample: Sample) -> FactorVae:
    """Score codes (n, latent), looked up by image number."""
    variance = rows(codes, sample.numbers).double().var(dim=0)
    kept = (variance.sqrt() >= LEAST_DEVIATION).nonzero().squeeze(1)
    if not len(kept):
        return FactorVae(0.0, 0.0, 0)
    factors = 1 + int(max(sample.train.factors.max(), sample.test.factors.max()))
    train, test = (
        _votes(codes, batches, kept, variance[kept], factors)
        for batches in (sample.train, sample.test)
    )
    majority = train.argmax(axis=0), np.arange(len(kept))
    return FactorVae(
        score=float(test[majority].sum() / test.sum()),
        train_accuracy=float(train[majority].sum() / train.sum()),
        kept=len(kept),
    )


def _votes(
    codes: Tensor, batches: Batches, kept: Tensor, variance: Tensor, factors: int
) -> NDArray[np.int64]:
    """How often each kept code varies least while each factor is fixed: (factors, kept)."""
    least = [
        (_variance(batch)[:, kept] / variance).argmin(dim=1)
        for batch in blocks(codes, batches.numbers)
    ]
    cells = batches.factors * len(kept) + torch.cat(least).cpu().numpy()
    counts = np.bincount(cells, minlength=factors * len(kept))
    return counts.reshape(factors, len(kept))


def _variance(batch: Tensor) -> Tensor:
    """Sample variance within batches: (n, batch, latent) to (n, latent)."""
    centred = batch - batch.mean(dim=1, keepdim=True)
    return centred.square_().sum(dim=1) / (batch.shape[1] - 1)
