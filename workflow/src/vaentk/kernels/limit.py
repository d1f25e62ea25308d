"""The infinite-width tangent kernels of Wang & Huang 2024, Lemma 1, for any activation.

The two expectations of Lemma 1 use independent latent noise, so the noise acts as an extra
orthogonal coordinate of length sigma0 on each input. With ``q = 1 + sigma0^2``, ``rho = x_i . x_j``
and ``c = rho / q``, the limit is ``(K_mu + K_sigma + K_d)`` times the identity over outputs, with

    K_d = kappa_0(c),   K_mu = rho kappa_1(c),   K_sigma = sigma0^2 (x_i^2 . x_j^2) kappa_2(c),
    kappa_p(c) = E[phi^(p)(sqrt(q) g) phi^(p)(sqrt(q) g')],  corr(g, g') = c.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from vaentk.activations import Activation
from vaentk.errors import UserError
from vaentk.kernels.kappa import ENTRIES_AT_ONCE, kappas

Array = NDArray[np.float64]
Part = Literal["mu", "sigma", "d"]

ORDERS: dict[Part, int] = {"mu": 1, "sigma": 2, "d": 0}
"""Which derivative of ``phi`` each kernel is made of."""

ROWS_AT_ONCE = 256
"""Rows of a kernel computed at once: enough for a matrix product to run at full speed."""


@dataclass(frozen=True)
class LimitKernels:
    """Infinite-width kernels between two sets of inputs.

    Attributes
    ----------
    mu, sigma, d
        Kernels of W_mu, W_sigma and W_d, (n, n') each; exactly symmetric between equal inputs.
    error
        Bound of the error of kappa_0, kappa_1 and kappa_2 at the correlations given (truncation of
        their series, quadrature of its coefficients, rounding of its evaluation); 0 for closed
        forms, which are right to rounding.
    """

    mu: Float64[Array, "n other"]
    sigma: Float64[Array, "n other"]
    d: Float64[Array, "n other"]
    error: float

    @property
    def total(self) -> Float64[Array, "n other"]:
        """``K = K_mu + K_sigma + K_d``, (n, n')."""
        return self.mu + self.sigma + self.d


def limit_kernels(
    activation: Activation,
    sigma0: float,
    x: Float64[Array, "n d"],
    x_other: Float64[Array, "other d"] | None = None,
) -> LimitKernels:
    """Evaluate the three limit kernels.

    Parameters
    ----------
    activation
        ``phi``; closed forms for identity, erf, ReLU and leaky ReLU, Hermite series otherwise.
    sigma0
        Initial W_sigma.
    x, x_other
        Inputs with unit rows, (n, d) and (n', d); ``x_other`` is ``x`` unless given, and then half
        of the work is saved.

    Returns
    -------
    LimitKernels
        Kernels (n, n'), float64. Beside them a panel of 256 rows is held.

    Raises
    ------
    UserError
        When a row is not of unit norm: the formulas assume it.
    """
    panels = KernelPanels(activation, sigma0, x, x_other)
    shape = (len(x), len(x if x_other is None else x_other))
    out: dict[Part, Array] = {part: np.empty(shape) for part in ORDERS}
    for rows, columns, parts in panels:
        for part, panel in parts.items():
            out[part][rows, columns] = panel
            if x_other is None:
                _mirror(out[part], panel, rows)
    return LimitKernels(out["mu"], out["sigma"], out["d"], panels.error)


def _mirror(kernel: Array, panel: Array, rows: slice) -> None:
    """Copy a panel of the upper triangle, which begins on the diagonal, to the lower one."""
    size = rows.stop - rows.start
    kernel[rows.stop :, rows] = panel[:, size:].T
    square = panel[:, :size]
    kernel[rows, rows] = np.triu(square) + np.triu(square, 1).T


class KernelPanels:
    """The three limit kernels, one panel of rows after the other.

    Iterating gives ``(rows, columns, {part: panel})``; between equal inputs (no ``x_other``) the
    panels cover the upper triangle only, each from its diagonal square to the last column.

    Parameters
    ----------
    activation, sigma0, x, x_other
        As in `limit_kernels`.

    Attributes
    ----------
    error
        As in `LimitKernels`.

    Raises
    ------
    UserError
        When a row is not of unit norm: the formulas assume it.
    """

    def __init__(
        self,
        activation: Activation,
        sigma0: float,
        x: Float64[Array, "n d"],
        x_other: Float64[Array, "other d"] | None = None,
    ) -> None:
        self.x, self.x_other = x, x_other
        self.sigma0, self.q = sigma0, 1 + sigma0**2
        for inputs in (x,) if x_other is None else (x, x_other):
            if not np.allclose(np.sqrt(np.vecdot(inputs, inputs)), 1.0, atol=1e-6):
                raise UserError(
                    "the limit kernels are those of unit-norm inputs: set inputs.scaling: unit-norm"
                )
        self._kappas, self.error = kappas(activation, self.q, list(ORDERS.values()))

    def __iter__(self) -> Iterator[tuple[slice, slice, dict[Part, Array]]]:
        """Compute the panels, from the first row to the last."""
        other = self.x if self.x_other is None else self.x_other
        squares = np.square(other)
        for start in range(0, len(self.x), ROWS_AT_ONCE):
            rows = slice(start, min(start + ROWS_AT_ONCE, len(self.x)))
            columns = slice(start if self.x_other is None else 0, len(other))
            rho = self.x[rows] @ other[columns].T
            panels = {part: np.empty_like(rho) for part in ORDERS}
            left = squares[rows] if self.x_other is None else np.square(self.x[rows])
            np.matmul(left, squares[columns].T, out=panels["sigma"])
            self._fill(rho.reshape(-1), {part: p.reshape(-1) for part, p in panels.items()})
            yield rows, columns, panels

    def _fill(self, rho: Array, panels: dict[Part, Array]) -> None:
        """Evaluate the kernels at flat inner products, where sigma's holds those of squares."""
        for start in range(0, len(rho), ENTRIES_AT_ONCE):
            here = slice(start, start + ENTRIES_AT_ONCE)
            values = self._kappas(rho[here] / self.q)
            for (part, panel), kappa in zip(panels.items(), values, strict=True):
                if part == "d":
                    panel[here] = kappa
                elif part == "mu":
                    np.multiply(rho[here], kappa, out=panel[here])
                else:
                    panel[here] *= self.sigma0**2
                    panel[here] *= kappa


def least_eigenvalue(kernel: Float64[Array, "n n"]) -> float:
    """Return the least eigenvalue of a symmetric kernel; of K it is lambda_0 of Theta_inf."""
    return float(np.linalg.eigvalsh(kernel)[0])
