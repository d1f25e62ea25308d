"""Kernel ridge regression of Wang & Huang 2024, Theorem 2.

With ``residual = f_0(X) - X`` the network trained on Eq. 12 tends to

    f(x) = f_0(x) - K(x, X) alpha,    alpha = (K(X, X) + ridge I)^(-1) residual,

one n x n system for all outputs, as the limit kernel is K times the identity over outputs. A
Cholesky factor solves it (n up to some 20,000).
"""

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from vaentk.errors import UserError

Array = NDArray[np.float64]


def initial_residual(
    targets: Float64[Array, "n d"], initial: Float64[Array, "n d"] | None = None
) -> Float64[Array, "n d"]:
    """Return ``f_0(X) - X``; without ``initial``, f_0 = 0 as Theorem 2 prints it."""
    return -targets if initial is None else initial - targets


def predict(
    cross: Float64[Array, "t n"],
    alpha: Float64[Array, "n d"],
    initial: Float64[Array, "t d"] | None = None,
) -> Float64[Array, "t d"]:
    """Predict ``f(x) = f_0(x) - K(x, X) alpha``; without ``initial``, f_0 = 0."""
    change: Array = cross @ alpha
    return -change if initial is None else initial - change


def coefficients(
    kernel: Float64[Array, "n n"], residual: Float64[Array, "n d"], ridge: float
) -> Float64[Array, "n d"]:
    """Solve ``(K + ridge I) alpha = residual``; a UserError if that is not positive definite."""
    # LAPACK works in place on Fortran's order, which the transpose of a symmetric matrix has.
    matrix = np.array(kernel.T, order="F")
    matrix[np.diag_indices(len(matrix))] += ridge
    try:
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        raise UserError(
            f"the kernel plus ridge = {ridge:g} times the identity is not positive definite: "
            f"raise the ridge"
        ) from None
    alpha: Array = cho_solve(factor, residual, check_finite=False)
    return alpha
