"""The separated attribute predictability of Kumar et al. 2018, as disentanglement_lib takes it.

A linear support vector machine (scikit-learn's LinearSVC with C = 0.01 and balanced classes)
predicts each factor from each single code. The score is the mean over factors of the lead of the
best code's test accuracy over the second best's. No code is discarded, however little it varies.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from vaentk.data.grid import Grid
from vaentk.metrics import svm
from vaentk.metrics.gap import lead
from vaentk.metrics.lookup import rows
from vaentk.metrics.sampling import Split


@dataclass(frozen=True, eq=False)
class Sap:
    """The score and what it is made of.

    Attributes
    ----------
    score : float
    accuracy : float64 (latent, factors)
        Share of the test images whose factor the code alone predicts.
    """

    score: float
    accuracy: Float64[NDArray[np.float64], "latent factors"]


def draw(
    grid: Grid, generator: np.random.Generator, train: int = 10_000, test: int = 5_000
) -> Split:
    """Draw images with their factors, to learn from and to test on."""
    return Split.draw(grid, train, test, generator)


def score(codes: Tensor, sample: Split) -> Sap:
    """Score codes (n, latent), looked up by image number.

    Raises
    ------
    UserError
        If there is only one code.
    """
    x, x_test = rows(codes, sample.train.numbers), rows(codes, sample.test.numbers)
    y, y_test = (torch.from_numpy(part.values).to(x.device) for part in (sample.train, sample.test))
    accuracy = svm.accuracies(x, y, x_test, y_test).cpu().numpy()
    return Sap(float(lead(accuracy).mean()), accuracy)
