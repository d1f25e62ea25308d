"""What a constant kernel predicts for training: gradient flow on Eq. 7 and Eq. 12.

A network that is linear in its weights has ``f(t) = f(0) - Theta alpha(t)`` on any inputs, and
weights ``W(t) = W(0) - J^T alpha(t)``, where the dual coefficients are a function of the kernel on
the training inputs applied to the initial residual ``r = f(0) - X``:

    gradient flow       alpha(t) = phi_t(Theta) r,   phi_t(x) = (1 - e^{-y t/n})/y,  y = x + n beta
    t -> infinity       ridge regression with ridge n beta (Wang & Huang 2024, Theorem 2)

With beta = 0 it is Eq. 9's ``f(t) = X + e^{-Theta t/n} r``. Such a function of the spectrum is a
*filter*. The limit kernel ``K x I_d`` is filtered by its eigendecomposition, a kernel of finite
width, which is never materialised, on a Krylov subspace.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from torch import Tensor

from vaentk.errors import UserError
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.krylov import Lanczos

Array = NDArray[np.float64]
Filter = Callable[[Array], Array]
"""Eigenvalues (k,) to values at T moments, (T, k)."""

CHECK_EVERY = 10
"""Products between two looks at the convergence of a Krylov subspace."""


def gradient_flow(times: Sequence[float] | Array, samples: int, beta: float = 0.0) -> Filter:
    """Return the filter phi_t of gradient flow at times in Eq. 7's units, for n samples.

    With Eq. 12's weight beta > 0, time infinity is the ridge solution.
    """
    moments = np.asarray(times, dtype=float)[:, None]

    def phi(values: Array) -> Array:
        rates = _nonzero(values + samples * beta)
        return -np.expm1(-moments * rates / samples) / rates

    return phi


def coefficients(
    kernel: Float64[Array, "n n"], residual: Float64[Array, "n d"], filter_: Filter
) -> Float64[Array, "T n d"]:
    """Return the dual coefficients alpha: ``K x I_d``, filtered, applied to ``f(0) - X``."""
    values, vectors = np.linalg.eigh(kernel)
    factors = filter_(values)
    projected = vectors.T @ residual
    return np.stack([vectors @ (factor[:, None] * projected) for factor in factors])


def residuals(
    kernel: Float64[Array, "n n"], residual: Float64[Array, "n d"], filter_: Filter
) -> Float64[Array, "T n d"]:
    """Predict ``f(t) - X = r - K alpha(t)`` on the training inputs."""
    return coefficients(kernel, residual, lambda values: 1 - values * filter_(values))


def implicit_residuals(
    kernel: TangentKernel,
    residual: Float[Tensor, "n d"],
    filter_: Filter,
    tolerance: float = 1e-6,
    most: int = 1000,
) -> Float[Tensor, "T n d"]:
    """Predict ``f(t) - X`` by Theta on the training inputs, by Lanczos' process.

    The error is estimated by the largest change of a residual over the last `CHECK_EVERY` products,
    relative to the initial one; a UserError if ``most`` products leave it above the tolerance.
    """
    process = Lanczos(kernel.matvec, residual)
    earlier: Array | None = None
    error = np.inf
    while process.products < most:
        more = process.extend()
        if more and process.products % CHECK_EVERY:
            continue
        left = process.coefficients(lambda values: 1 - values * filter_(values))
        if earlier is not None:
            padded = np.pad(earlier, ((0, 0), (0, left.shape[1] - earlier.shape[1])))
            error = float(np.linalg.norm(left - padded, axis=1).max() / process.length)
        earlier = left
        if error <= tolerance or not more:
            return process.combine(left)
    raise UserError(
        f"the flow of Theta(0) is known to {error:.1e} after {most} products, not to "
        f"{tolerance:.0e}: shorten horizon"
    )


def losses(residuals: Float64[Array, "T n d"]) -> Float64[Array, " T"]:
    """Evaluate Eq. 7 on residuals: ``1/(2n) |.|_F^2``."""
    values: Array = np.square(residuals).sum(axis=(1, 2)) / (2 * residuals.shape[1])
    return values


def claimed_bound(
    initial_loss: float,
    lambda_0: float,
    samples: int,
    times: Sequence[float] | Float64[Array, " T"],
) -> Float64[Array, " T"]:
    """Evaluate Theorem 1's bound ``exp(-(lambda_0/n) t) L(0)``, Eq. 11, at T times."""
    return initial_loss * np.exp(-lambda_0 / samples * np.asarray(times))


def _nonzero(rates: Array) -> Array:
    """Put a rate so small that the filter is at its limit, t/n, in place of zero."""
    return np.where(np.abs(rates) < 1e-100, 1e-100, rates)
