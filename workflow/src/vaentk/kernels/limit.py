"""The infinite-width tangent kernels of Wang & Huang 2024, Lemma 1, for any activation.

The two expectations of Lemma 1 use independent latent noise, so the noise acts as an extra
orthogonal coordinate of length sigma0 on each input. With ``q = 1 + sigma0^2``, ``rho = x_i . x_j``
and ``c = rho / q``, the limit is ``(K_mu + K_sigma + K_d)`` times the identity over outputs, with

    K_d = kappa_0(c),   K_mu = rho kappa_1(c),   K_sigma = sigma0^2 (x_i^2 . x_j^2) kappa_2(c),
    kappa_p(c) = E[phi^(p)(sqrt(q) g) phi^(p)(sqrt(q) g')],  corr(g, g') = c.

With normalised Hermite coefficients h_k of ``g -> phi^(p)(sqrt(q) g)``,
``kappa_p(c) = sum h_k^2 c^k``.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import torch
from numpy.typing import NDArray

from vaentk.activations import Activation
from vaentk.errors import UserError

Array = NDArray[np.float64]

MAX_TERMS = 4096
"""Hermite terms beyond which a series is given up."""

_REACH, _STEP = 13.0, 0.01
"""Trapezoid rule of the coefficients: the integrand falls as exp(-g^2/4), 1e-18 at the ends."""


@dataclass(frozen=True)
class LimitKernels:
    """Infinite-width kernels between two sets of inputs.

    Attributes
    ----------
    mu, sigma, d
        Kernels of W_mu, W_sigma and W_d, (n, n') each.
    error
        Bound of the truncation error of kappa_0, kappa_1, kappa_2; 0 for closed forms.
    """

    mu: Array
    sigma: Array
    d: Array
    error: float

    @property
    def total(self) -> Array:
        """``K = K_mu + K_sigma + K_d``, (n, n')."""
        return self.mu + self.sigma + self.d


def limit_kernels(
    activation: Activation, sigma0: float, x: Array, x_other: Array | None = None
) -> LimitKernels:
    """Evaluate the three limit kernels.

    Parameters
    ----------
    activation
        ``phi``; closed forms for identity, erf and ReLU, Hermite series otherwise.
    sigma0
        Initial W_sigma.
    x, x_other
        Inputs with unit rows, (n, d) and (n', d); ``x_other`` is ``x`` unless given.

    Returns
    -------
    LimitKernels
        Kernels (n, n'), float64.

    Raises
    ------
    UserError
        When a row is not of unit norm: the formulas assume it.
    """
    other = x if x_other is None else x_other
    for rows in (x, other):
        if not np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6):
            raise UserError(
                "the limit kernels are those of unit-norm inputs: set inputs.scaling: unit-norm"
            )
    q = 1 + sigma0**2
    rho = x @ other.T
    c = rho / q
    if activation.name in CLOSED_FORMS:
        kappa_0, kappa_1, kappa_2 = CLOSED_FORMS[activation.name](q, c)
        error = 0.0
    else:
        series = [hermite_series(activation, order, q) for order in (0, 1, 2)]
        kappa_0, kappa_1, kappa_2 = (s(c) for s in series)
        error = max(s.error for s in series)
    squares = np.square(x) @ np.square(other).T
    return LimitKernels(rho * kappa_1, sigma0**2 * squares * kappa_2, kappa_0, error)


@dataclass(frozen=True)
class HermiteSeries:
    """``kappa(c) = sum_k h_k^2 c^k`` for ``|c| <= 1/q``.

    Attributes
    ----------
    squares
        ``h_k^2``, (terms,).
    error
        Bound of the terms left out, at ``|c| = 1/q``.
    """

    squares: Array
    error: float

    def __call__(self, c: Array) -> Array:
        """Evaluate the polynomial elementwise (Horner)."""
        total = np.full_like(c, self.squares[-1])
        for square in self.squares[-2::-1]:
            total *= c
            total += square
        return total


def hermite_series(
    activation: Activation, order: int, q: float, tolerance: float = 1e-13
) -> HermiteSeries:
    """Expand ``g -> phi^(order)(sqrt(q) g)`` in normalised Hermite polynomials.

    The terms left out add up to at most ``(E phi^2 - sum h_k^2) c^terms``, the stated error.

    Parameters
    ----------
    activation
        ``phi``, smooth: a kink (ReLU) would spoil the quadrature of the coefficients.
    order
        Which derivative, 0, 1 or 2.
    q
        Variance of the preactivation, ``1 + sigma0^2``.
    tolerance
        Stated error at which the series is long enough.

    Raises
    ------
    UserError
        When 4096 terms do not reach the tolerance.
    """
    g = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    function = activation.derivatives(torch.from_numpy(sqrt(q) * g))[order].numpy()
    root_density = np.exp(-np.square(g) / 4) / (2 * pi) ** 0.25
    integrand = function * root_density * _STEP
    norm = float(np.sum(np.square(function * root_density)) * _STEP)
    previous, current = np.zeros_like(g), root_density
    squares: list[float] = []
    error = norm
    for k in range(MAX_TERMS):
        squares.append(float(integrand @ current) ** 2)
        previous, current = current, (g * current - sqrt(k) * previous) / sqrt(k + 1)
        remainder = max(norm - sum(squares), np.finfo(float).eps * norm)
        error = remainder * q ** -(k + 1)
        if error <= tolerance:
            return HermiteSeries(np.array(squares), error)
    raise UserError(
        f"the Hermite series of {activation.name} (derivative {order}) needs more than {MAX_TERMS} "
        f"terms at q = {q:g} (error {error:.1e}): raise sigma0"
    )


def _identity(q: float, c: Array) -> tuple[Array, Array, Array]:
    return q * c, np.ones_like(c), np.zeros_like(c)


def _arcsine(q: float, c: Array) -> tuple[Array, Array, Array]:
    """Closed forms for erf (Williams 1997); C = q c is the inner product of the inputs."""
    inner = q * c
    spread = (1 + 2 * q) ** 2 - 4 * inner**2
    return (
        2 / pi * np.arcsin(2 * inner / (1 + 2 * q)),
        4 / pi / np.sqrt(spread),
        16 / pi * inner / spread**1.5,
    )


def _arccosine(q: float, c: Array) -> tuple[Array, Array, Array]:
    """Closed forms for ReLU (Cho & Saul 2009); phi'' is a Dirac delta, kappa_2 a density."""
    angle = np.arccos(c)
    height = np.sqrt(1 - c**2)
    return (
        q * (height + (pi - angle) * c) / (2 * pi),
        (pi - angle) / (2 * pi),
        1 / (2 * pi * q * height),
    )


CLOSED_FORMS = {"identity": _identity, "erf": _arcsine, "relu": _arccosine}
"""``(q, c) -> (kappa_0, kappa_1, kappa_2)`` for activations that have one."""


def least_eigenvalue(kernel: Array) -> float:
    """Return the least eigenvalue of a symmetric kernel; of K it is lambda_0 of Theta_inf."""
    return float(np.linalg.eigvalsh(kernel)[0])
