"""Kernel ridge regression on the inputs of a run, by each reading of Theorem 2's ridge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.kernels.limit import limit_kernels
from vaentk.kernels.ridge import coefficients, initial_residual, predict

Array = NDArray[np.float64]

RIDGES = {"beta": 0.0, "n beta": 1.0, "2 n beta": 2.0}
"""The theorem's three readings: Eq. 13 prints beta, Eq. 12 leads to n beta, the proof to 2 n beta;
the number is the factor of n beta, and 0 stands for beta itself."""


@dataclass(frozen=True)
class KernelRegression:
    """Kernel ridge regression on the limit kernels of one run.

    Attributes
    ----------
    x, held_out
        Training inputs (n, d), which are targets too, and test inputs (n', d).
    train_train, test_train
        K_mu on them, (n, n) and (n', n).
    """

    x: Array
    held_out: Array
    train_train: Array
    test_train: Array

    @classmethod
    def of(cls, activation: str, sigma0: float, x: Array, held_out: Array) -> "KernelRegression":
        """Evaluate the limit kernels."""
        phi = ACTIVATIONS[activation]
        train_train = limit_kernels(phi, sigma0, x).mu
        return cls(x, held_out, train_train, limit_kernels(phi, sigma0, held_out, x).mu)

    def ridge(self, reading: str, beta: float) -> float:
        """Return the ridge of one of the three readings."""
        return RIDGES[reading] * len(self.x) * beta or beta

    def predict(self, ridge: float, initial: Array | None = None) -> Array:
        """Predict held-out outputs by kernel ridge regression: (n', d).

        ``f_0(x) + K(x, X) (K + ridge)^(-1) (X - f_0(X))``, with ``f_0 = 0`` where ``initial``, the
        network's initial outputs on training and then held-out inputs, is not given.
        """
        trained, held_out = (None, None)
        if initial is not None:
            trained, held_out = np.split(initial, [len(self.x)])
        alpha = coefficients(self.train_train, initial_residual(self.x, trained), ridge)
        return predict(self.test_train, alpha, held_out)
