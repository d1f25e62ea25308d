"""The infinite-channel tangent kernels of the convolutional network, for any smooth activation.

W_d is independent from patch to patch, so what two patches p != p' share vanishes in expectation,
and the limit is an average over patches of Lemma 1's kernels, with norms that differ:

    K_d     = 1/P sum_p E[phi(z_p) phi(z'_p)]
    K_mu    = 1/P sum_p (x_p . x'_p) E[phi'(z_p) phi'(z'_p)]
    K_sigma = 1/P sum_p sigma0^2 (x_p^2 . x'_p^2) E[phi''(z_p) phi''(z'_p)]

with Gaussian z_p, z'_p of variances ``q = (1 + sigma0^2) |x_p|^2`` and q', and covariance
``x_p . x'_p``: their correlation c is at most ``1/(1 + sigma0^2)``. With normalised Hermite
coefficients h_k(q) of ``g -> phi(sqrt(q) g)`` an expectation is ``sum_k h_k(q) h_k(q') c^k``.
"""

from math import pi, sqrt
from typing import Final

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from vaentk.activations import Activation
from vaentk.errors import UserError
from vaentk.kernels.limit import LimitKernels

Array = NDArray[np.float64]

GRID: Final = np.arange(-13, 13 + 1 / 128, 1 / 128)
"""Trapezoid rule of the coefficients, as that of `vaentk.kernels.kappa`."""

TOLERANCE: Final = 1e-13
"""Of the terms left out of a series."""

MAX_TERMS: Final = 1024


def patch_kernels(
    activation: Activation, sigma0: float, patches: Float64[Array, "n P a"]
) -> LimitKernels:
    """Evaluate the three limit kernels between images of which the patches are given."""
    samples, count, _ = patches.shape
    mu, sigma, d = (np.zeros((samples, samples)) for _ in range(3))
    error = 0.0
    for place in range(count):
        patch = patches[:, place]
        squares = np.square(patch)
        q, inner = (1 + sigma0**2) * squares.sum(axis=1), patch @ patch.T
        if activation.name == "erf":
            of_value, of_slope, of_curvature = arcsine(q, inner)
        else:
            (of_value, of_slope, of_curvature), worst = series(activation, q, inner)
            error = max(error, worst)
        d += of_value / count
        mu += inner * of_slope / count
        sigma += sigma0**2 * (squares @ squares.T) * of_curvature / count
    return LimitKernels(mu, sigma, d, error)


def arcsine(
    q: Float64[Array, " n"], inner: Float64[Array, "n n"]
) -> tuple[Float64[Array, "n n"], Float64[Array, "n n"], Float64[Array, "n n"]]:
    """Closed forms for erf of the expectations of values, slopes and curvatures (Williams 1997).

    ``q`` are variances, ``inner`` covariances off the diagonal and between two draws of the noise.
    """
    product = np.outer(1 + 2 * q, 1 + 2 * q)
    spread = product - 4 * np.square(inner)
    root = np.sqrt(spread)
    value = 2 / pi * np.arcsin(2 * inner / np.sqrt(product))
    return value, 4 / pi / root, 16 / pi * inner / (spread * root)


def series(
    activation: Activation, q: Float64[Array, " n"], inner: Float64[Array, "n n"]
) -> tuple[list[Float64[Array, "n n"]], float]:
    """Sum the Hermite series of the same three expectations; the largest bound of their error."""
    root = np.sqrt(q)
    scale = np.outer(root, root)
    # A blank patch is a constant unit, whose only coefficient is the first.
    correlation = np.divide(inner, scale, out=np.zeros_like(inner), where=scale > 0)
    largest = float(np.abs(correlation).max())
    sums, errors = [], []
    derivatives = activation.derivatives(torch.from_numpy(root[:, None] * GRID))
    for function in derivatives:
        coefficients, error = hermite_coefficients(function.numpy(), largest)
        total = np.zeros_like(inner)
        for column in coefficients.T[::-1]:
            total = total * correlation + np.outer(column, column)
        sums.append(total)
        errors.append(error)
    return sums, max(errors)


def hermite_coefficients(
    functions: Float64[Array, "n nodes"], correlation: float
) -> tuple[Float64[Array, "n terms"], float]:
    """Expand functions on `GRID` in normalised Hermite polynomials.

    As many terms as `TOLERANCE` asks of the series at correlations up to a given one; and the bound
    of its error: what is left out, by Cauchy and Schwarz, and the quadrature, by repeating it with
    every second node.

    Raises
    ------
    UserError
        Where `MAX_TERMS` terms do not reach the tolerance.
    """
    step = GRID[1] - GRID[0]
    root_density = np.exp(-np.square(GRID) / 4) / (2 * pi) ** 0.25
    weighted = functions * root_density
    norms = np.square(weighted).sum(axis=1) * step
    left, quadrature = norms.copy(), 0.0
    previous, current = np.zeros_like(GRID), root_density
    columns = []
    for k in range(MAX_TERMS):
        column = weighted @ current * step
        coarse = weighted[:, ::2] @ current[::2] * (2 * step)
        columns.append(column)
        off = np.abs(column - coarse).max()
        quadrature += float(off * (2 * np.abs(column).max() + off)) * correlation**k
        left -= np.square(column)
        floor = 16 * np.finfo(float).eps * norms.max()
        truncation = float(max(left.max(), 0.0) + floor) * correlation ** (k + 1)
        if truncation <= TOLERANCE:
            return np.stack(columns, axis=1), truncation + quadrature
        previous, current = current, (GRID * current - sqrt(k) * previous) / sqrt(k + 1)
    raise UserError(
        f"the Hermite series of a patch needs more than {MAX_TERMS} terms at correlation "
        f"{correlation:g} (error {truncation:.1e}): raise sigma0"
    )
