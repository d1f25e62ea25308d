"""Kernel ridge regression of Wang & Huang 2024, Theorem 2.

With ``residual = f_0(X) - X`` the network trained on Eq. 12 tends to

    f(x) = f_0(x) - K(x, X) alpha,    alpha = (K(X, X) + ridge I)^(-1) residual,

one n x n system for all outputs, as the limit kernel is K times the identity over outputs. A
Cholesky factor solves it (n up to some 20,000).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from vaentk.errors import UserError

Array = NDArray[np.float64]


def initial_residual(targets: Array, initial: Array | None = None) -> Array:
    """Return ``f_0(X) - X``, (n, d); without ``initial``, f_0 = 0 as Theorem 2 prints it."""
    return -targets if initial is None else initial - targets


def predict(cross: Array, alpha: Array, initial: Array | None = None) -> Array:
    """Predict ``f(x) = f_0(x) - K(x, X) alpha``.

    Parameters
    ----------
    cross
        ``K(x, X)``, (t, n).
    alpha
        Coefficients, (n, d).
    initial
        ``f_0(x)``, (t, d); left out where the residual was taken without f_0.

    Returns
    -------
    NDArray
        (t, d).
    """
    change: Array = cross @ alpha
    return -change if initial is None else initial - change


def coefficients(kernel: Array, residual: Array, ridge: float) -> Array:
    """Solve ``(K + ridge I) alpha = residual`` by a Cholesky factor.

    Parameters
    ----------
    kernel
        K, (n, n), symmetric.
    residual
        ``f_0(X) - X``, (n, d).
    ridge
        Theorem 2's multiple of the identity.

    Returns
    -------
    NDArray
        alpha, (n, d).

    Raises
    ------
    UserError
        When ``K + ridge I`` is not positive definite.
    """
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
