"""What a constant kernel predicts for training on the squared error of Eq. 7.

Gradient flow on a kernel ``K x I_d`` gives ``f(t) = X + exp(-K t/n) (f(0) - X)`` (Wang & Huang
2024, Eq. 9); gradient descent with learning rate eta ``f_s = X + (I - eta K/n)^s (f(0) - X)``.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def flow_residuals(kernel: Array, residual: Array, times: Sequence[float] | Array) -> Array:
    """Predict the residual ``f(t) - X`` of gradient flow on a constant kernel.

    Parameters
    ----------
    kernel
        K, (n, n), symmetric.
    residual
        ``f(0) - X``, (n, d).
    times
        T times of gradient flow in Eq. 7's units.

    Returns
    -------
    NDArray
        (T, n, d).
    """
    values, vectors = np.linalg.eigh(kernel)
    factors = np.exp(-np.outer(times, values) / len(kernel))
    return _propagate(vectors, factors, residual)


def descent_residuals(
    kernel: Array, residual: Array, learning_rate: float, steps: Iterable[int]
) -> Array:
    """Predict the residual of gradient descent on a constant kernel: (T, n, d) for T steps."""
    values, vectors = np.linalg.eigh(kernel)
    shrink = 1 - learning_rate * values / len(kernel)
    factors = np.stack([shrink**step for step in steps])
    return _propagate(vectors, factors, residual)


def _propagate(vectors: Array, factors: Array, residual: Array) -> Array:
    projected = vectors.T @ residual
    return np.stack([vectors @ (factor[:, None] * projected) for factor in factors])


def losses(residuals: Array) -> Array:
    """Evaluate Eq. 7 on residuals (T, n, d): ``1/(2n) |.|_F^2``, (T,)."""
    values: Array = np.square(residuals).sum(axis=(1, 2)) / (2 * residuals.shape[1])
    return values


def claimed_bound(
    initial_loss: float, lambda_0: float, samples: int, times: Sequence[float] | Array
) -> Array:
    """Evaluate Theorem 1's bound ``exp(-(lambda_0/n) t) L(0)``, Eq. 11, at T times."""
    return initial_loss * np.exp(-lambda_0 / samples * np.asarray(times))
