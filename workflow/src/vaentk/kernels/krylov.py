"""Lanczos' process on a symmetric operator: extreme eigenvalues, and functions of the operator.

After k products the operator is known on a Krylov subspace as a tridiagonal matrix T. The ends of
T's spectrum approach those of the operator's from inside, and ``f(operator) v`` is approached by
``|v| V f(T) e_1``. The basis is reorthogonalised in full, so that no eigenvalue comes twice.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal
from torch import Tensor

Array = NDArray[np.float64]
Product = Callable[[Tensor], Tensor]
"""Product of a symmetric operator with a tensor of any shape, of the same shape."""

LEAST_PRODUCTS = 20
"""Fewer products might settle on an inner eigenvalue."""

STILL = 8
"""Products over which an extreme Ritz value has to stand still."""


@dataclass(frozen=True)
class Eigenvalue:
    """An extreme eigenvalue as an iterative method found it."""

    value: float
    """The Ritz value, which lies inside the spectrum: the truth is further out."""
    error: float
    """Estimate of how much further out, in the eigenvalue's units."""
    products: int
    """Products with the operator that it took."""


class Lanczos:
    """Lanczos' process from one start vector, whose dtype the basis has, product by product."""

    def __init__(self, product: Product, start: Tensor) -> None:
        self.product = product
        self.shape = start.shape
        self.length = float(torch.linalg.vector_norm(start))
        self.diagonal: list[float] = []
        self.beside: list[float] = []
        self._rows = start.new_empty(16, start.numel())
        self._rows[0] = start.flatten() / self.length
        self._remainder: Tensor | None = None

    @property
    def products(self) -> int:
        """Number of products so far, the order of T."""
        return len(self.diagonal)

    def extend(self) -> bool:
        """Do one more product; False, and nothing done, where the subspace is invariant."""
        count = self.products
        if self._remainder is not None:
            length = float(torch.linalg.vector_norm(self._remainder))
            scale = max(map(abs, (*self.diagonal, *self.beside)))
            if length <= 100 * torch.finfo(self._rows.dtype).eps * scale:
                return False
            if count == len(self._rows):
                self._rows = torch.cat([self._rows, torch.empty_like(self._rows)])
            self.beside.append(length)
            self._rows[count] = self._remainder / length
        image = self.product(self._rows[count].view(self.shape)).flatten()
        self.diagonal.append(float(image @ self._rows[count]))
        basis = self._rows[: count + 1]
        for _ in range(2):  # twice is enough
            image = image - basis.mT @ (basis @ image)
        self._remainder = image
        return True

    def ritz(self) -> tuple[Float64[Array, " k"], Float64[Array, "k k"]]:
        """Return eigenvalues of T, increasing, and its eigenvectors as columns."""
        values, vectors = eigh_tridiagonal(self.diagonal, self.beside)
        return values, vectors

    def coefficients(self, function: Callable[[Array], Array]) -> Float64[Array, "F k"]:
        """Return ``|v| f(T) e_1`` for a family of functions of eigenvalues: (k,) to (F, k)."""
        values, vectors = self.ritz()
        applied: Array = self.length * (function(values) * vectors[0]) @ vectors.T
        return applied

    def combine(self, coefficients: Float64[Array, "F k"]) -> Float[Tensor, "F ..."]:
        """Combine the basis vectors, to tensors of the start's shape."""
        weights = torch.from_numpy(coefficients).to(self._rows)
        return (weights @ self._rows[: weights.shape[1]]).view(-1, *self.shape)


def extreme_eigenvalues(
    product: Product, like: Tensor, tolerance: float = 1e-2, most: int = 200
) -> tuple[Eigenvalue, Eigenvalue]:
    """Find the least and the greatest eigenvalue of a symmetric operator, the larger one well.

    Stops when the Ritz value of larger modulus has moved by less than a twentieth of the tolerance
    over `STILL` products. It is the value that has to settle and not the vector, which in a band of
    nearly equal eigenvalues (a tangent kernel has one an output) would take hundreds of products.

    The stated error extrapolates: towards the edge of a band a Ritz value's error falls as k^-2
    with the number k of products (Kuczynski & Wozniakowski 1992), so that when the last `STILL`
    moved it by delta, about ``delta k / (2 STILL)`` remain.

    ``like`` is any tensor of the shape, dtype and device that the operator acts on, the tolerance
    relative; after ``most`` products it stops anyway.
    """
    size = like.numel()
    start = np.random.default_rng(0).standard_normal(size)
    process = Lanczos(product, torch.from_numpy(start).to(like).view(like.shape))
    ends: list[Array] = []
    while process.products < min(size, most) and process.extend():
        values = process.ritz()[0]
        ends.append(values[[0, -1]])
        if process.products < LEAST_PRODUCTS:
            continue
        outer = int(np.abs(ends[-1]).argmax())
        now, before = ends[-1][outer], ends[-1 - STILL][outer]
        if abs(now - before) <= 0.05 * tolerance * abs(now):
            break
    count = process.products
    moved = np.abs(ends[-1] - ends[max(0, count - 1 - STILL)])
    errors = moved * max(1.0, count / (2 * STILL))
    least, greatest = (
        Eigenvalue(float(value), float(error), count)
        for value, error in zip(ends[-1], errors, strict=True)
    )
    return least, greatest
