"""The FactorVAE score of Kim & Mnih 2018: the factor that a batch of images shares is predicted.

As disentanglement_lib takes it: codes whose standard deviation over the data is below 0.05 are
pruned; of the others, the one whose variance within the batch is least against its variance over
the data votes for the batch's factor; a code then stands for the factor that most votes gave it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from vaentk.data.grid import Grid
from vaentk.metrics.lookup import Numbers, blocks, rows
from vaentk.metrics.sampling import Batches

LEAST_DEVIATION: Final = 0.05


@dataclass(frozen=True, eq=False)
class Sample:
    """Images for the variance over the data, and batches to learn from and to test on."""

    numbers: Int64[Numbers, " n"]
    train: Batches
    test: Batches


def draw(
    grid: Grid,
    generator: np.random.Generator,
    variance: int,
    train: int,
    test: int,
    batch: int = 64,
) -> Sample:
    """Draw single images for the variance, and batches that share the value of a factor."""
    return Sample(
        grid.indices(grid.sample(variance, generator)),
        Batches.sharing(grid, train, batch, generator),
        Batches.sharing(grid, test, batch, generator),
    )


def score(codes: Float[Tensor, "images latent"], sample: Sample) -> float:
    """Share of the test batches whose factor is predicted; 0 where all codes are pruned."""
    variance = rows(codes, sample.numbers).double().var(dim=0)
    varied = (variance.sqrt() >= LEAST_DEVIATION).nonzero().squeeze(1)
    if not len(varied):
        return 0.0
    factors = 1 + int(max(sample.train.factors.max(), sample.test.factors.max()))
    train, test = (
        _votes(codes, batches, varied, variance[varied], factors)
        for batches in (sample.train, sample.test)
    )
    return float(test[train.argmax(axis=0), np.arange(len(varied))].sum() / test.sum())


def _votes(
    codes: Tensor, batches: Batches, varied: Tensor, variance: Tensor, factors: int
) -> NDArray[np.int64]:
    """How often each code that is not pruned varies least, by factor: (factors, codes)."""
    least = [
        (_variance(batch)[:, varied] / variance).argmin(dim=1)
        for batch in blocks(codes, batches.numbers)
    ]
    cells = batches.factors * len(varied) + torch.cat(least).cpu().numpy()
    counts = np.bincount(cells, minlength=factors * len(varied))
    return counts.reshape(factors, len(varied))


def _variance(batch: Tensor) -> Tensor:
    """Sample variance within batches: (n, batch, latent) to (n, latent)."""
    centred = batch - batch.mean(dim=1, keepdim=True)
    return centred.square_().sum(dim=1) / (batch.shape[1] - 1)
