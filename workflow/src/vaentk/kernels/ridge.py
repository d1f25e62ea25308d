"""Kernel ridge regression of Wang & Huang 2024, Theorem 2, by three routes.

With ``residual = f_0(X) - X`` the network trained on Eq. 12 tends to

    f(x) = f_0(x) - K(x, X) alpha,    alpha = (K(X, X) + ridge I)^(-1) residual,

one n x n system for all outputs, as the limit kernel is K times the identity over outputs. A
Cholesky factor solves it for one ridge (n up to some 20,000), one eigendecomposition for many, and
conjugate gradients where K is not stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

from vaentk.activations import Activation
from vaentk.errors import UserError
from vaentk.kernels.limit import ROWS_AT_ONCE, KernelPanels, Part

Array = NDArray[np.float64]
Product = Callable[[Array], Array]


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
        Coefficients, (n, d), or (R, n, d) of R ridges.
    initial
        ``f_0(x)``, (t, d); left out where the residual was taken without f_0.

    Returns
    -------
    NDArray
        (t, d), or (R, t, d).
    """
    change: Array = cross @ alpha
    return -change if initial is None else initial - change


def coefficients(kernel: Array, residual: Array, ridge: float, overwrite: bool = False) -> Array:
    """Solve ``(K + ridge I) alpha = residual`` by a Cholesky factor.

    Parameters
    ----------
    kernel
        K, (n, n), symmetric.
    residual
        ``f_0(X) - X``, (n, d).
    ridge
        Theorem 2's multiple of the identity.
    overwrite
        Whether the factor may take the place of the kernel, if that is C-contiguous; otherwise a
        second (n, n) array is held.

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
    matrix = kernel.T if overwrite else np.array(kernel.T, order="F")
    matrix[np.diag_indices(len(matrix))] += ridge
    try:
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        raise _not_definite(ridge) from None
    alpha: Array = cho_solve(factor, residual, check_finite=False)
    return alpha


def path(kernel: Array, residual: Array, ridges: Sequence[float] | Array) -> Array:
    """Solve for R ridges by one eigendecomposition: alpha, (R, n, d).

    Parameters are those of `coefficients`.

    Raises
    ------
    UserError
        When ``K + ridge I`` is not positive definite beyond rounding, for one of the ridges.
    """
    values, vectors = eigh(kernel, check_finite=False, driver="evd")
    rounding = len(values) * np.finfo(float).eps * np.abs(values).max()
    for ridge in ridges:
        if not values[0] + ridge > rounding:
            raise _not_definite(ridge)
    projected = vectors.T @ residual
    return np.stack([vectors @ (projected / (values + ridge)[:, None]) for ridge in ridges])


@dataclass(frozen=True)
class Solution:
    """What conjugate gradients found.

    Attributes
    ----------
    alpha
        Coefficients, (n, d).
    residual
        ``|(K + ridge I) alpha - residual| / |residual|``, the worst over outputs, recomputed from
        alpha.
    iterations
        Products with K that the search took.
    """

    alpha: Array
    residual: float
    iterations: int


def conjugate_gradients(
    product: Product,
    residual: Array,
    ridge: float,
    tolerance: float = 1e-8,
    max_iterations: int = 1000,
    preconditioner: Product | None = None,
) -> Solution:
    """Solve ``(K + ridge I) alpha = residual`` with products of K only.

    Every output has its own steps; an output that has converged leaves the block. When all have,
    the residuals are computed afresh, and the search goes on from them where rounding has parted
    the two.

    Parameters
    ----------
    product
        ``V -> K V``, (n, k) to (n, k) for any k up to d.
    residual
        ``f_0(X) - X``, (n, d).
    ridge
        Theorem 2's multiple of the identity.
    tolerance
        Relative residual of every output at which to stop.
    max_iterations
        Products after which the search is given up.
    preconditioner
        ``V -> M^(-1) V`` of a symmetric positive definite M near ``K + ridge I``.

    Raises
    ------
    UserError
        When the tolerance is not reached, or ``K + ridge I`` is not positive definite.
    """
    alpha = np.zeros_like(residual, dtype=np.float64)
    goals = tolerance * np.linalg.norm(residual, axis=0)
    left, iterations = np.array(residual, dtype=np.float64), 0
    while (active := np.flatnonzero(~(np.linalg.norm(left, axis=0) <= goals))).size:
        block = _Block(left[:, active], goals[active], product, ridge, preconditioner)
        while block.columns.size:
            if iterations == max_iterations:
                raise UserError(
                    f"conjugate gradients at ridge = {ridge:g} left a relative residual above "
                    f"{tolerance:g} after {max_iterations} products: raise the ridge, the "
                    f"tolerance or the number of products"
                )
            block.step()
            iterations += 1
        alpha[:, active] += block.solution
        left[:, active] = residual[:, active] - block.apply(alpha[:, active])
    norms = np.linalg.norm(residual, axis=0)
    relative = np.linalg.norm(left, axis=0) / np.where(norms > 0, norms, 1)
    return Solution(alpha, float(relative.max(initial=0.0)), iterations)


class _Block:
    """Conjugate gradients on some right-hand sides (n, k), from zero, until each meets its goal."""

    def __init__(
        self,
        sides: Array,
        goals: Array,
        product: Product,
        ridge: float,
        preconditioner: Product | None,
    ) -> None:
        self.product, self.ridge = product, ridge
        self.precondition: Product = preconditioner or np.copy
        self.solution = np.zeros_like(sides)
        self.columns = np.arange(sides.shape[1])
        self.left, self.goals = sides, goals
        self.direction = self.precondition(sides)
        self.power = _dots(sides, self.direction)

    def apply(self, vectors: Array) -> Array:
        """Multiply by ``K + ridge I``."""
        return self.product(vectors) + self.ridge * vectors

    def step(self) -> None:
        """Take one step along every direction, and drop the columns that are done."""
        image = self.apply(self.direction)
        curvature = _dots(self.direction, image)
        if not (curvature > 0).all():
            raise _not_definite(self.ridge)
        length = self.power / curvature
        self.solution[:, self.columns] += length * self.direction
        self.left = self.left - length * image
        going = ~(np.linalg.norm(self.left, axis=0) <= self.goals)
        if not going.all():
            self.columns, self.goals = self.columns[going], self.goals[going]
            self.left, self.direction = self.left[:, going], self.direction[:, going]
            self.power = self.power[going]
        ahead = self.precondition(self.left)
        power = _dots(self.left, ahead)
        self.direction = ahead + power / self.power * self.direction
        self.power = power


def _dots(left: Array, right: Array) -> Array:
    dots: Array = np.einsum("ik,ik->k", left, right)
    return dots


def blockwise_product(
    activation: Activation,
    sigma0: float,
    x: Array,
    x_other: Array | None = None,
    part: Part | None = "mu",
    rows_at_once: int = ROWS_AT_ONCE,
) -> Product:
    """Return ``V -> K(x, x_other) V`` for a limit kernel that is computed anew, panel by panel.

    Between equal inputs every panel of the upper triangle serves its mirror image too. Memory is
    some ``6 rows_at_once n'`` numbers beside inputs and outputs; K (n, n') is never stored.

    Parameters
    ----------
    activation, sigma0, x, x_other
        As in `limit_kernels`: unit rows, (n, d) and (n', d).
    part
        "mu", "sigma" or "d", or None for the sum of the three.
    rows_at_once
        Rows of one panel.

    Returns
    -------
    Callable
        (n', k) to (n, k), float64.

    Raises
    ------
    UserError
        When a row is not of unit norm.
    """
    parts: tuple[Part, ...] = ("mu", "sigma", "d") if part is None else (part,)
    panels = KernelPanels(activation, sigma0, x, x_other, parts, rows_at_once)

    def product(vectors: Array) -> Array:
        out = np.zeros((len(x), *vectors.shape[1:]))
        for rows, columns, computed in panels:
            panel = computed[parts[0]]
            for other in parts[1:]:
                panel += computed[other]
            if x_other is None:
                # The diagonal square is symmetric to rounding only: its upper half stands for it.
                size = rows.stop - rows.start
                square = panel[:, :size]
                panel[:, :size] = np.triu(square) + np.triu(square, 1).T
                out[rows.stop :] += panel[:, size:].T @ vectors[rows]
            out[rows] += panel @ vectors[columns]
        return out

    return product


def _not_definite(ridge: float) -> UserError:
    return UserError(
        f"the kernel plus ridge = {ridge:g} times the identity is not positive definite: "
        f"raise the ridge"
    )
