"""The infinite-width tangent kernels of Wang & Huang 2024, Lemma 1, for any activation.

The two expectations of Lemma 1 use independent latent noise, so the noise acts as an extra
orthogonal coordinate of length sigma0 on each input. With ``q = 1 + sigma0^2``, ``rho = x_i . x_j``
and ``c = rho / q``, the limit is ``(K_mu + K_sigma + K_d)`` times the identity over outputs, with

    K_d = kappa_0(c),   K_mu = rho kappa_1(c),   K_sigma = sigma0^2 (x_i^2 . x_j^2) kappa_2(c),
    kappa_p(c) = E[phi^(p)(sqrt(q) g) phi^(p)(sqrt(q) g')],  corr(g, g') = c.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from vaentk.activations import Activation
from vaentk.errors import UserError
from vaentk.kernels.kappa import ENTRIES_AT_ONCE, Kappas, kappas

Array = NDArray[np.float64]

ROWS_AT_ONCE = 256
"""Rows of a kernel computed at once: enough for a matrix product to run at full speed."""


@dataclass(frozen=True)
class LimitKernels:
    """Kernels of W_mu, W_sigma and W_d; exactly symmetric between equal inputs."""

    mu: Float64[Array, "n other"]
    sigma: Float64[Array, "n other"]
    d: Float64[Array, "n other"]
    error: float
    """Bound of the error of kappa_0, kappa_1 and kappa_2 at the correlations given (truncation of
    their series, quadrature of its coefficients, rounding of its evaluation); 0 for closed forms,
    which are right to rounding."""

    @property
    def total(self) -> Float64[Array, "n other"]:
        """``K = K_mu + K_sigma + K_d``."""
        return self.mu + self.sigma + self.d


def limit_kernels(
    activation: Activation,
    sigma0: float,
    x: Float64[Array, "n d"],
    x_other: Float64[Array, "other d"] | None = None,
) -> LimitKernels:
    """Evaluate the three limit kernels between inputs with unit rows; a UserError on others.

    Without ``x_other`` they are those of ``x`` with itself, at half of the work. Beside them a
    panel of `ROWS_AT_ONCE` rows is held.
    """
    other = x if x_other is None else x_other
    for inputs in (x, other):
        if not np.allclose(np.sqrt(np.vecdot(inputs, inputs)), 1.0, atol=1e-6):
            raise UserError(
                "the limit kernels are those of unit-norm inputs: set inputs.scaling: unit-norm"
            )
    at, error = kappas(activation, 1 + sigma0**2)
    squares = np.square(x)
    other_squares = squares if x_other is None else np.square(other)
    mu, sigma, d = (np.empty((len(x), len(other))) for _ in range(3))
    for start in range(0, len(x), ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, len(x)))
        # Between equal inputs the upper triangle is enough, from the diagonal on.
        columns = slice(start if x_other is None else 0, len(other))
        rho, overlap = x[rows] @ other[columns].T, squares[rows] @ other_squares[columns].T
        for kernel, panel in zip((mu, sigma, d), _panels(at, sigma0, rho, overlap), strict=True):
            kernel[rows, columns] = panel
            if x_other is None:
                _mirror(kernel, panel, rows)
    return LimitKernels(mu, sigma, d, error)


def _panels(at: Kappas, sigma0: float, rho: Array, overlap: Array) -> tuple[Array, Array, Array]:
    """Turn inner products of inputs and of their squares into the three kernels."""
    mu, d = np.empty_like(rho), np.empty_like(rho)
    flat = [panel.reshape(-1) for panel in (rho, overlap, mu, d)]
    for start in range(0, rho.size, ENTRIES_AT_ONCE):
        inner, sigma, by_mu, by_d = (panel[start : start + ENTRIES_AT_ONCE] for panel in flat)
        kappa_0, kappa_1, kappa_2 = at(inner / (1 + sigma0**2))
        np.multiply(inner, kappa_1, out=by_mu)
        sigma *= sigma0**2
        sigma *= kappa_2
        by_d[:] = kappa_0
    return mu, overlap, d


def _mirror(kernel: Array, panel: Array, rows: slice) -> None:
    """Copy a panel of the upper triangle, which begins on the diagonal, to the lower one."""
    size = rows.stop - rows.start
    kernel[rows.stop :, rows] = panel[:, size:].T
    square = panel[:, :size]
    kernel[rows, rows] = np.triu(square) + np.triu(square, 1).T


def greatest_eigenvalue(kernel: Float64[Array, "n n"]) -> float:
    """Return the largest eigenvalue of a symmetric kernel."""
    return float(np.linalg.eigvalsh(kernel)[-1])


def least_eigenvalue(kernel: Float64[Array, "n n"]) -> float:
    """Return the smallest eigenvalue of a symmetric kernel; of K it is lambda_0 of Theta_inf."""
    return float(np.linalg.eigvalsh(kernel)[0])
