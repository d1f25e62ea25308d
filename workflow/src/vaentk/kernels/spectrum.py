"""Extreme eigenvalues of a finite-width tangent kernel that is only known by its products.

At the size of Wang & Huang 2024 (n = 128, d = 784) the kernel's spectrum begins in a band of d
nearly equal eigenvalues, where plain Lanczos needs thousands of products. A preconditioner of
Kronecker form brings that to about fifty.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from scipy.linalg import eigh
from torch import Tensor

from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.krylov import Eigenvalue, Product, extreme_eigenvalues

Array = NDArray[np.float64]

WINDOW = 10
"""Products over which the least Ritz value has to stand still."""

REMAINING = 3.0
"""What is left to fall, in units of the fall over the last `WINDOW` products (measured: 1 to 3)."""

SHIFT = 0.9
"""Part of lambda_min(Theta_d) by which the preconditioner is shifted towards singularity."""

JITTER = 1e-6
"""Where Theta_d is singular (m < n), the part of its greatest eigenvalue that is added to it."""


def distance(
    kernel: TangentKernel,
    other: Float64[Array, "n n"] | TangentKernel,
    tolerance: float = 1e-2,
) -> Eigenvalue:
    """Find ``|Theta - Theta'|_2``, or ``|Theta - K x I_d|_2`` for a limit kernel K, from below.

    The tolerance is relative.
    """
    of_other: Product = (
        other.matvec
        if isinstance(other, TangentKernel)
        else torch.from_numpy(other).to(kernel.decoder).matmul
    )
    ends = extreme_eigenvalues(
        lambda vectors: kernel.matvec(vectors) - of_other(vectors), _like(kernel), tolerance
    )
    outer = max(ends, key=lambda end: abs(end.value))
    return Eigenvalue(abs(outer.value), outer.error, outer.products)


def greatest_eigenvalue(kernel: TangentKernel, tolerance: float = 1e-2) -> Eigenvalue:
    """Find lambda_max of Theta, from below."""
    return extreme_eigenvalues(kernel.matvec, _like(kernel), tolerance)[1]


def least_eigenvalue(kernel: TangentKernel, tolerance: float = 1e-2, most: int = 200) -> Eigenvalue:
    """Find lambda_min of Theta, from above, by Davidson's method.

    The Ritz value of the whole subspace is an upper bound. It stops when `REMAINING` times the fall
    over the last `WINDOW` products is below the tolerance; that is the stated error, or the gap to
    the lower bound ``lambda_min(Theta_d)``, which holds because the other parts are positive
    semi-definite, where this is less. After ``most`` products it stops anyway, with the error that
    it then has.
    """
    if "d" not in kernel.parts:
        raise ValueError("least_eigenvalue needs part d: its lower bound is that of Theta_d")
    samples, outputs = kernel.shape
    size = samples * outputs
    solve = preconditioner(kernel)
    most = min(most, size)
    basis = kernel.decoder.new_empty(most, size)
    images = torch.empty_like(basis)
    projected = np.zeros((most, most))
    new = _start(kernel)
    falls: list[float] = []
    for count in range(1, most + 1):
        older = basis[: count - 1]
        for _ in range(2):  # twice is enough
            new = new - older.mT @ (older @ new)
        basis[count - 1] = new / torch.linalg.vector_norm(new)
        image = kernel.matvec(basis[count - 1].view(samples, outputs)).flatten()
        images[count - 1] = image
        column = (basis[:count] @ image).double().cpu().numpy()
        projected[:count, count - 1] = projected[count - 1, :count] = column
        values, vectors = np.linalg.eigh(projected[:count, :count])
        falls.append(float(values[0]))
        error = REMAINING * (falls[-1 - WINDOW] - falls[-1]) if count > WINDOW else np.inf
        if error <= tolerance * abs(falls[-1]):
            break
        weights = torch.from_numpy(vectors[:, 0]).to(basis)
        residual = weights @ images[:count] - falls[-1] * (weights @ basis[:count])
        length = float(torch.linalg.vector_norm(residual))
        if length <= 100 * torch.finfo(basis.dtype).eps * float(values[-1]):
            error = length
            break
        new = solve(residual.view(samples, outputs)).flatten()
        new = new / torch.linalg.vector_norm(new)
    if count == size:
        error = 0.0
    floor = float(torch.linalg.eigvalsh(kernel.value_gram)[0])
    return Eigenvalue(falls[-1], min(error, max(falls[-1] - floor, 0.0)), len(falls))


def preconditioner(kernel: TangentKernel) -> Callable[[Tensor], Tensor]:
    """Return an approximate inverse of Theta.

    ``(T x C + Theta_d - s I)^(-1)`` with T the trace over outputs of Theta_mu + Theta_sigma and
    ``C = W_d^T W_d / m`` scaled to mean eigenvalue 1: what Theta would be if the slopes of a unit
    did not vary with the sample. ``Theta_d = (S S^T/m) x I_d`` is exact. The shift s lies below the
    smallest eigenvalue of Theta_d and so of Theta, and turns the inverse towards the wanted end.
    """
    to = kernel.decoder
    others = [part for part in kernel.parts if part != "d"]
    through = kernel.only(others).trace().double().cpu().numpy()
    values = kernel.value_gram.double().cpu().numpy()
    least, *_, greatest = np.linalg.eigvalsh(values)
    singular = least <= JITTER * greatest
    shift = -JITTER * greatest if singular else SHIFT * least
    ratios, left = eigh(through, values - shift * np.eye(len(values)))
    decoder = kernel.decoder.double()
    scales, right = torch.linalg.eigh(decoder.mT @ decoder)
    scales = scales / scales.mean()
    ratio = torch.from_numpy(ratios).to(scales).clamp(min=0)
    inverse = (1 / (ratio[:, None] * scales + 1)).to(to)
    rows, columns = torch.from_numpy(left).to(to), right.to(to)
    return lambda vectors: rows @ ((inverse * (rows.mT @ vectors @ columns)) @ columns.mT)


def _like(kernel: TangentKernel) -> Tensor:
    return kernel.decoder.new_empty(kernel.shape)


def _start(kernel: TangentKernel) -> Tensor:
    """Return the trace's least eigenvector with random outputs, flat."""
    _, outputs = kernel.shape
    _, vectors = torch.linalg.eigh(kernel.trace())
    drawn = torch.from_numpy(np.random.default_rng(0).standard_normal(outputs))
    return torch.outer(vectors[:, 0], drawn.to(vectors)).flatten()
