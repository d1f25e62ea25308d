"""Eq. 12's penalty beside Eq. 4's KL term, and how far it holds W_mu back."""

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.models.forward import Weights
from vaentk.training.problem import Problem

Array = NDArray[np.float64]


def observe_kl(problem: Problem, seeds: tuple[int, ...]) -> "KlObserver":
    """Make the observer of some members of one width."""
    return KlObserver(problem.x, problem.model().initial_weights(seeds)["mu"])


class KlObserver:
    """Measures Eq. 4's KL term on the trained displacement against Eq. 12's penalty.

    ``kl_ratio`` is ``d/n sum_i |dW x_i|^2 / |dW|_F^2``, which is 1 for every displacement where
    ``C = (1/n) sum x x^T`` of unit-norm inputs is I/d. ``x`` are the training inputs, (n, d), and
    ``initial`` the members' W_mu(0), (S, m, d).
    """

    def __init__(self, x: Array, initial: Tensor) -> None:
        self.x = torch.from_numpy(x).to(initial)
        self.initial = initial

    def __call__(self, step: int, weights: Weights) -> list[dict[str, float]]:
        """Observe every member; not a number while nothing has moved."""
        moved = weights["mu"] - self.initial
        through = (moved @ self.x.mT).square().sum(dim=(1, 2)) / len(self.x)
        ratio = self.x.shape[1] * through / moved.square().sum(dim=(1, 2))
        return [{"kl_ratio": float(value)} for value in ratio]


def displacements(table: pd.DataFrame, x: Array) -> pd.DataFrame:
    """Collect how far W_mu moved by beta, and how far Eq. 12's penalty is from the KL term.

    Returns
    -------
    DataFrame
        A row a beta, at the largest width and standard initialisation: change_mu (relative,
        mean over seeds) with change_over_smaller, over that of the next smaller beta;
        largest_change_over_smaller, the largest of these, in every row; kl_ratio (see
        `KlObserver`); and `kl_form` of the inputs.
    """
    widest = table[(table["width"] == table["width"].max()) & (table["initial"] == "standard")]
    means: pd.DataFrame = widest.groupby("beta")[["change_mu", "kl_ratio"]].mean().reset_index()
    means["width"] = int(table["width"].max())
    means["change_over_smaller"] = means["change_mu"] / means["change_mu"].shift(1)
    means["largest_change_over_smaller"] = means["change_over_smaller"].max()
    return means.assign(**kl_form(x))


def kl_form(x: Array) -> dict[str, float]:
    """Measure how far Eq. 12's penalty is from Eq. 4's KL term on these inputs.

    With W_sigma constant the mean KL is ``1/(2 n sigma0^2) sum_i |dW x_i|^2``, which is the penalty
    ``|dW|_F^2`` up to a factor where ``C = (1/n) sum x x^T`` is a multiple of the identity.

    Returns
    -------
    dict
        ``condition``: largest over smallest nonzero eigenvalue of C; ``participation``: the number
        ``(tr C)^2 / tr C^2`` of directions in which C is large, of d.
    """
    values = np.linalg.eigvalsh(x.T @ x / len(x))
    nonzero = values[values > 1e-12 * values[-1]]
    return {
        "condition": float(nonzero[-1] / nonzero[0]),
        "participation": float(values.sum() ** 2 / np.square(values).sum()),
        "directions": float(x.shape[1]),
    }
