"""Eq. 12's penalty beside Eq. 4's KL term."""

import numpy as np
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
