"""The separated attribute predictability of Kumar et al. 2018, as disentanglement_lib takes it.

A linear support vector machine (scikit-learn's LinearSVC with C = 0.01 and balanced classes)
predicts each factor from each single code. The score is the mean over factors of the lead of the
best code's test accuracy over the second best's. No code is discarded, however little it varies.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from torch import Tensor

from vaentk.metrics import svm
from vaentk.metrics.lookup import rows
from vaentk.metrics.mig import lead
from vaentk.metrics.sampling import Split


def score(codes: Float[Tensor, "images latent"], sample: Split) -> float:
    """Score codes; a UserError if there is only one."""
    return float(lead(accuracies(codes, sample)).mean())


def accuracies(
    codes: Float[Tensor, "images latent"], sample: Split
) -> Float64[NDArray[np.float64], "latent factors"]:
    """Share of the test images whose factor each code alone predicts."""
    x, x_test = rows(codes, sample.train.numbers), rows(codes, sample.test.numbers)
    y, y_test = (torch.from_numpy(part.values).to(x.device) for part in (sample.train, sample.test))
    return np.asarray(svm.accuracies(x, y, x_test, y_test).cpu())
