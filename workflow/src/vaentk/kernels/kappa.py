"""The functions kappa_0, kappa_1, kappa_2 that the limit kernels are made of, closed or as series.

``kappa_p(c) = E[phi^(p)(sqrt(q) g) phi^(p)(sqrt(q) g')]`` for standard normal g, g' of correlation
c. With normalised Hermite coefficients h_k of ``g -> phi^(p)(sqrt(q) g)`` it is
``sum_k h_k^2 c^k``: a power series whose tail bounds its error.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from math import ceil, fsum, pi, sqrt
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from vaentk.activations import NEGATIVE_SLOPE, Activation
from vaentk.errors import UserError

Array = NDArray[np.float64]
Kappas = Callable[[Array], Sequence[Array] | Array]
"""Correlations (n,) to kappa_0, kappa_1 and kappa_2 at them."""

MAX_TERMS = 4096
"""Hermite terms beyond which a series is given up."""

ENTRIES_AT_ONCE = 2048
"""Entries whose powers are held at once: with the sums they stay in a core's cache."""

_REACH, _STEP = 13, 1 / 128
"""Trapezoid rule of the coefficients: the integrand falls as exp(-g^2/4), 1e-18 at the ends.

The step is a power of two, so that the nodes are exact: 0.01 would cost three digits.
"""

_EPS = float(np.finfo(float).eps)


def kappas(activation: Activation, q: float) -> tuple[Kappas, float]:
    """Return the three functions on flat arrays, and the bound of their error."""
    if activation.name in CLOSED_FORMS:
        return partial(CLOSED_FORMS[activation.name], q), 0.0
    series = [hermite_series(activation, order, q) for order in range(3)]
    return Polynomials([one.squares for one in series]), max(one.error for one in series)


class Polynomials:
    """Evaluate polynomials at the same points: ``c (n,) -> (p, n)``, from coefficients by power.

    Paterson & Stockmeyer 1973: with ``s`` powers of c, pieces of ``s`` terms of every polynomial
    are one matrix product, and Horner's rule in ``c^s`` joins the pieces: some 3 sqrt(terms)
    passes over c instead of 2 terms a polynomial. Where every polynomial is even or odd, ``c^2``
    takes the place of c.
    """

    def __init__(self, coefficients: Sequence[Array]) -> None:
        odd = [not _negligible(row, 1) for row in coefficients]
        self.squared = all(
            _negligible(row, 1 - o) for row, o in zip(coefficients, odd, strict=True)
        )
        self.count = len(coefficients)
        self.odd, rows = [False] * self.count, list(coefficients)
        if self.squared:
            self.odd, rows = odd, [row[o::2] for row, o in zip(rows, odd, strict=True)]
        terms = max(len(row) for row in rows)
        self.length = min(terms, ceil(2 * sqrt(terms)))
        padded = np.zeros((len(rows), ceil(terms / self.length) * self.length))
        for target, row in zip(padded, rows, strict=True):
            target[: len(row)] = row
        pieces = padded.reshape(len(rows), -1, self.length)
        self.pieces = pieces.swapaxes(0, 1).reshape(-1, self.length)

    def __call__(self, c: Float64[Array, " n"]) -> Float64[Array, "p n"]:
        """Evaluate them; some `ENTRIES_AT_ONCE` at once is fastest."""
        powers = np.empty((self.length + 1, len(c)))
        powers[0] = 1
        powers[1] = c * c if self.squared else c
        for k in range(2, self.length + 1):
            np.multiply(powers[k // 2], powers[k - k // 2], out=powers[k])
        parts = (self.pieces @ powers[:-1]).reshape(-1, self.count, len(c))
        total: Array = parts[-1]
        for part in parts[-2::-1]:
            total *= powers[-1]
            total += part
        for row, odd in zip(total, self.odd, strict=True):
            if odd:
                row *= c
        return total


def _negligible(coefficients: Array, parity: int) -> bool:
    """Whether the terms of one parity are rounding (which is 1e-32 of the whole)."""
    return bool(coefficients[parity::2].sum() <= 1e-26 * coefficients.sum())


class HermiteSeries(NamedTuple):
    """``kappa(c) = sum_k h_k^2 c^k`` for ``|c| <= 1/q``."""

    squares: Float64[Array, " terms"]
    """``h_k^2``, read-only."""
    error: float
    """Bound of the error at ``|c| <= 1/q``: the terms left out, the quadrature of the others and
    the rounding of the evaluation."""


@lru_cache
def hermite_series(
    activation: Activation, order: int, q: float, tolerance: float = 1e-13
) -> HermiteSeries:
    """Expand ``g -> phi^(order)(sqrt(q) g)``, q = 1 + sigma0^2, in normalised Hermite polynomials.

    ``phi`` is smooth: a kink (ReLU) would spoil the quadrature of the coefficients. The terms left
    out add up to at most ``(E phi^2 - sum h_k^2) c^terms``, and end at half the tolerance, with a
    UserError if `MAX_TERMS` do not reach it. The trapezoid rule of the coefficients is repeated
    with every second node: the difference bounds its error (rounding for smooth ``phi``; large, and
    said, for one with a kink).
    """
    g = np.arange(-_REACH, _REACH + _STEP, _STEP)
    function = activation.derivatives(torch.from_numpy(sqrt(q) * g))[order].numpy()
    root_density = np.exp(-np.square(g) / 4) / (2 * pi) ** 0.25
    integrand = function * root_density * _STEP
    norm = float(np.sum(np.square(function * root_density)) * _STEP)
    previous, current = np.zeros_like(g), root_density
    squares: list[float] = []
    quadrature = 0.0
    for k in range(MAX_TERMS):
        squares.append(float(integrand @ current) ** 2)
        coarse = float(integrand[::2] @ current[::2]) * 2
        quadrature += abs(squares[-1] - coarse**2) * q**-k
        previous, current = current, (g * current - sqrt(k) * previous) / sqrt(k + 1)
        remainder = max(norm - fsum(squares), 0.0) + 16 * _EPS * norm
        truncation = remainder * q ** -(k + 1)
        if truncation <= tolerance / 2:
            rounding = (3 * sqrt(k + 1) + 16) * _EPS * norm
            terms = np.array(squares)
            terms.setflags(write=False)
            return HermiteSeries(terms, truncation + quadrature + rounding)
    raise UserError(
        f"the Hermite series of {activation.name} (derivative {order}) needs more than {MAX_TERMS} "
        f"terms at q = {q:g} (error {truncation:.1e}): raise sigma0"
    )


def _identity(q: float, c: Array) -> tuple[Array, Array, Array]:
    return q * c, np.ones_like(c), np.zeros_like(c)


def _arcsine(q: float, c: Array) -> tuple[Array, Array, Array]:
    """Closed forms for erf (Williams 1997); C = q c is the inner product of the inputs."""
    inner = q * c
    spread = (1 + 2 * q) ** 2 - 4 * inner**2
    root = np.sqrt(spread)
    return (
        2 / pi * np.arcsin(2 * inner / (1 + 2 * q)),
        4 / pi / root,
        16 / pi * inner / (spread * root),
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


def _leaky_arccosine(q: float, c: Array) -> tuple[Array, Array, Array]:
    """Leaky ReLU, ``a z + b relu(z)`` with ``b = 1 - a``, from ReLU's kernels and Stein's lemma.

    ``E[z relu(z')] = q c / 2`` and ``E relu'(z) = 1/2``, so the mixed terms are
    ``a b q c`` in kappa_0 and ``a b`` in kappa_1.
    """
    a, b = NEGATIVE_SLOPE, 1 - NEGATIVE_SLOPE
    kappa_0, kappa_1, kappa_2 = _arccosine(q, c)
    return a * q * c + b**2 * kappa_0, a + b**2 * kappa_1, b**2 * kappa_2


CLOSED_FORMS = {
    "identity": _identity,
    "erf": _arcsine,
    "relu": _arccosine,
    "leaky_relu": _leaky_arccosine,
}
"""``(q, c) -> (kappa_0, kappa_1, kappa_2)`` for activations that have one."""
