"""Lemma 1's limit kernels: each of the three alone, against integrals and finite networks.

K_sigma is a thousandth of K_mu, so no test here looks at a sum. The references are
two-dimensional integrals over (g, g'), closed one-dimensional reductions of them, and Definition 1
at finite width with Jacobians by autograd.
"""

from collections.abc import Callable
from math import pi, sqrt

import mpmath
import numpy as np
import pytest
import torch
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray
from scipy.special import erf
from scipy.stats import multivariate_normal, norm
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Activation, soft_clipping
from vaentk.errors import UserError
from vaentk.kernels.kappa import CLOSED_FORMS, Polynomials, hermite_series
from vaentk.kernels.limit import (
    LimitKernels,
    greatest_eigenvalue,
    least_eigenvalue,
    limit_kernels,
)

Array = NDArray[np.float64]
SIGMAS = (0.1, 0.5, 1.0)


def _sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def _clip(z: Array) -> tuple[Array, Array, Array]:
    up, down = _sigmoid(2 * z + 2), _sigmoid(2 * z - 2)
    value = np.log((1 + np.exp(2 * z + 2)) / (1 + np.exp(2 * z - 2))) / 2 - 1
    return value, up - down, 2 * (up * (1 - up) - down * (1 - down))


def _gelu(z: Array) -> tuple[Array, Array, Array]:
    density = norm.pdf(z)
    return z * norm.cdf(z), norm.cdf(z) + z * density, 2 * density - z**2 * density


def _logistic(z: Array) -> tuple[Array, Array, Array]:
    """Sigmoid by hyperbolic functions of z/2."""
    half = np.cosh(z / 2)
    return (1 + np.tanh(z / 2)) / 2, half**-2 / 4, -np.tanh(z / 2) * half**-2 / 4


# phi, phi', phi'' written out again.
DERIVATIVES: dict[str, Callable[[Array], tuple[Array, Array, Array]]] = {
    "erf": lambda z: (
        erf(z),
        2 / sqrt(pi) * np.exp(-(z**2)),
        -4 / sqrt(pi) * z * np.exp(-(z**2)),
    ),
    "tanh": lambda z: (
        np.tanh(z),
        np.cosh(z) ** -2,
        -2 * np.sinh(z) / np.cosh(z) ** 3,
    ),
    "soft_clipping": _clip,
    "gelu": _gelu,
    "sigmoid": _logistic,
    "softplus": lambda z: (np.log1p(np.exp(z)), *_logistic(z)[:2]),
}
KINKED = ("relu", "leaky_relu")


def test_every_activation_is_tested_here() -> None:
    assert {*DERIVATIVES, *KINKED, "identity"} == set(ACTIVATIONS)
    assert {*KINKED, "identity", "erf"} == set(CLOSED_FORMS)


def by_plane_integral(name: str, order: int, q: float, c: float) -> float:
    """``E[phi^(p)(sqrt(q) g) phi^(p)(sqrt(q) g')]`` by the trapezoid rule over (g, h) in the plane.

    ``g' = c g + sqrt(1 - c^2) h``. Step 1/16 to 9 deviations: poles at least (pi/2)/sqrt(2) = 1.1
    away give exp(-2 pi 1.1 * 16), and the tails 1e-18.
    """
    g = np.arange(-9, 9 + 1 / 32, 1 / 16)
    weight = norm.pdf(g) / 16
    other = c * g[:, None] + sqrt(1 - c**2) * g[None, :]
    left = DERIVATIVES[name](sqrt(q) * g)[order]
    right = DERIVATIVES[name](sqrt(q) * other)[order]
    return float((weight * left) @ right @ weight)


def unit_rows(samples: int, outputs: int, seed: int) -> Array:
    x = np.random.default_rng(seed).standard_normal((samples, outputs))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


# The Hermite series


@pytest.mark.parametrize("name", sorted(DERIVATIVES))
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("sigma0", SIGMAS)
def test_hermite_series_equals_the_plane_integral(name: str, order: int, sigma0: float) -> None:
    """To the stated error, 1e-13 and less, at correlations up to |c| = 1/q.

    2e-15 is allowed for the rounding of the reference.
    """
    q = 1 + sigma0**2
    series = hermite_series(ACTIVATIONS[name], order, q)
    correlations = np.array([-1, -0.7, -0.2, 0, 0.1, 0.5, 0.9, 1]) / q
    expected = [by_plane_integral(name, order, q, c) for c in correlations]
    assert series.error <= 1e-13
    got = Polynomials([series.squares])(correlations)[0]
    assert np.abs(got - expected).max() <= series.error + 2e-15


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
def test_stated_error_bounds_the_truncation(tolerance: float) -> None:
    """Where the series is cut early, what is left out is within what is said, and not far below."""
    q = 1.25
    for order in (0, 1, 2):
        cut = hermite_series(ACTIVATIONS["tanh"], order, q, tolerance)
        got = polyval(1 / q, cut.squares)
        gap = by_plane_integral("tanh", order, q, 1 / q) - got
        assert 0 <= gap <= cut.error <= tolerance
        assert cut.error < 1000 * max(gap, 1e-13)


@pytest.mark.parametrize("terms", [1, 2, 3, 7, 16, 37])
@pytest.mark.parametrize("zeros", ["none", "even", "odd"])
def test_series_is_its_polynomial(terms: int, zeros: str) -> None:
    """Against numpy's polynomials."""
    squares = np.random.default_rng(terms).uniform(0.1, 1, terms)
    if zeros != "none":
        squares[int(zeros == "odd") :: 2] = 0
    c = np.random.default_rng(9).uniform(-0.99, 0.99, 1000)
    assert np.abs(Polynomials([squares])(c)[0] - polyval(c, squares)).max() < 1e-14 * terms


def test_series_is_computed_once() -> None:
    first = hermite_series(ACTIVATIONS["tanh"], 1, 1.25)
    assert hermite_series(ACTIVATIONS["tanh"], 1, 1.25) is first
    with pytest.raises(ValueError, match="read-only"):
        first.squares[0] = 0


def test_stated_error_bounds_a_quadrature_that_a_kink_spoils() -> None:
    """A unit step between two nodes: 1e-4 wrong and more, and the error says at least that."""
    step = Activation("step", lambda z: (torch.where(z > 0.003, 1.0, 0.0).double(), z, z))
    series = hermite_series(step, 0, 1.25)
    threshold = 0.003 / sqrt(1.25)
    exact = multivariate_normal.cdf([-threshold] * 2, cov=np.array([[1, 0.8], [0.8, 1]]))
    gap = abs(polyval(0.8, series.squares) - exact)
    assert 1e-4 < gap <= series.error


def test_odd_activations_have_odd_series() -> None:
    """tanh: no even coefficient in kappa_0 and kappa_2, no odd one in kappa_1; to rounding."""
    for order, absent in ((0, 0), (1, 1), (2, 0)):
        squares = hermite_series(ACTIVATIONS["tanh"], order, 1.25).squares
        assert squares[absent::2].max() < 1e-28
        assert squares[1 - absent] > 1e-2


def test_series_that_cannot_converge_is_refused() -> None:
    """A unit step at q = 1.0001 needs more than 4096 terms; the sentence names what and why."""
    with pytest.raises(UserError) as caught:
        hermite_series(soft_clipping(1e6, -1.0, 1.0), 1, 1.0001)
    message = str(caught.value)
    assert "soft_clipping" in message
    assert "derivative 1" in message
    assert "sigma0" in message
    assert "\n" not in message


# Closed forms


def smoothed_relu(u: Array, s: float) -> Array:
    return u * norm.cdf(u / s) + s * norm.pdf(u / s)


def half_line(integrand: Callable[[Array], Array]) -> float:
    """Integrate over [0, 14] by Gauss-Legendre in pieces of 1/2, 20 nodes each."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    starts = np.arange(0, 14, 0.5)[:, None]
    return float((integrand(starts + (nodes + 1) / 4) @ weights).sum() / 4)


def erf_by_line(q: float, c: float) -> tuple[float, float, float]:
    """Integrate z' ~ N(sqrt(q) c g, q (1 - c^2)) out by hand, given g; then a trapezoid in g."""
    g = np.arange(-12, 12 + 1 / 64, 1 / 32)
    weight = norm.pdf(g) / 32
    spread = 1 + 2 * q * (1 - c**2)
    inner = sqrt(q) * c * g
    given = (
        erf(inner / sqrt(spread)),
        2 / sqrt(pi * spread) * np.exp(-(inner**2) / spread),
        -4 * inner / (sqrt(pi) * spread**1.5) * np.exp(-(inner**2) / spread),
    )
    k0, k1, k2 = (
        float(weight @ (a * b)) for a, b in zip(DERIVATIVES["erf"](sqrt(q) * g), given, strict=True)
    )
    return k0, k1, k2


def relu_by_line(q: float, c: float) -> tuple[float, float, float]:
    """Integrate g' out by hand and g over the half line; kappa_2 is the density of (z, z') at 0."""
    root, rest = sqrt(q), sqrt(q * (1 - c**2))
    k0 = half_line(lambda g: norm.pdf(g) * root * g * smoothed_relu(root * c * g, rest))
    k1 = half_line(lambda g: norm.pdf(g) * norm.cdf(root * c * g / rest))
    k2 = multivariate_normal.pdf([0, 0], cov=q * np.array([[1, c], [c, 1]]))
    return k0, k1, float(k2)


def leaky_relu_by_line(q: float, c: float) -> tuple[float, float, float]:
    """The same with both half lines, ``phi(z) = z`` above and ``z/100`` below zero."""
    root, rest = sqrt(q), sqrt(q * (1 - c**2))

    def given(g: Array) -> tuple[Array, Array]:
        mean = root * c * g
        above, slope = smoothed_relu(mean, rest), norm.cdf(mean / rest)
        below = smoothed_relu(-mean, rest)
        return above - below / 100, slope + (1 - slope) / 100

    k0 = half_line(lambda g: norm.pdf(g) * root * g * (given(g)[0] - given(-g)[0] / 100))
    k1 = half_line(lambda g: norm.pdf(g) * (given(g)[1] + given(-g)[1] / 100))
    return k0, k1, 0.99**2 * relu_by_line(q, c)[2]


BY_LINE = {"erf": erf_by_line, "relu": relu_by_line, "leaky_relu": leaky_relu_by_line}


@pytest.mark.parametrize("sigma0", SIGMAS)
@pytest.mark.parametrize("fraction", [-1.0, -0.9, -0.3, 0.0, 0.2, 0.6, 0.95, 1.0])
@pytest.mark.parametrize("name", sorted(BY_LINE))
def test_closed_forms_equal_their_integrals(name: str, sigma0: float, fraction: float) -> None:
    """To 1e-12 (ReLU's kappa_2 at c = 1/1.01 is 1.1: relative to that)."""
    q = 1 + sigma0**2
    c = fraction / q
    closed = CLOSED_FORMS[name](q, np.array([c]))
    for got, want in zip(closed, BY_LINE[name](q, c), strict=True):
        assert got[0] == pytest.approx(want, rel=1e-12, abs=1e-12)


def test_arcsine_equals_theory_in_many_digits() -> None:
    """The three formulas of the theory in mpmath; K_mu = C kappa_1 as it is written there."""
    mpmath.mp.dps = 40
    q, inner = mpmath.mpf("1.25"), mpmath.mpf("0.37")
    spread = (1 + 2 * q) ** 2 - 4 * inner**2
    expected = (
        2 / mpmath.pi * mpmath.asin(2 * inner / (1 + 2 * q)),
        4 / mpmath.pi * spread ** mpmath.mpf("-0.5"),
        16 / mpmath.pi * inner * spread ** mpmath.mpf("-1.5"),
    )
    for got, want in zip(CLOSED_FORMS["erf"](1.25, np.array([0.37 / 1.25])), expected, strict=True):
        assert abs(got[0] - float(want)) < 1e-15


def test_hermite_series_equals_the_arcsine_form() -> None:
    for sigma0 in SIGMAS:
        q = 1 + sigma0**2
        c = np.linspace(-1, 1, 41) / q
        for order, closed in enumerate(CLOSED_FORMS["erf"](q, c)):
            series = hermite_series(ACTIVATIONS["erf"], order, q)
            assert np.abs(polyval(c, series.squares) - closed).max() < 1e-12


def test_identity_kernels_by_hand() -> None:
    """``phi(z) = z``: K_d = x.x', K_mu = x.x', K_sigma = 0."""
    x, other = unit_rows(4, 3, 0), unit_rows(5, 3, 1)
    kernels = limit_kernels(ACTIVATIONS["identity"], 0.5, x, other)
    assert np.allclose(kernels.d, x @ other.T, rtol=0, atol=1e-15)
    assert np.allclose(kernels.mu, x @ other.T, rtol=0, atol=1e-15)
    assert not kernels.sigma.any()


# The kernels of inputs


def expected_kernels(
    name: str, sigma0: float, x: Array, other: Array
) -> tuple[Array, Array, Array]:
    """``(K_mu, K_sigma, K_d)`` entry by entry."""
    q = 1 + sigma0**2
    out = np.zeros((3, len(x), len(other)))
    for i, left in enumerate(x):
        for j, right in enumerate(other):
            c = float(left @ right) / q
            if name in KINKED:
                kappas = BY_LINE[name](q, c)
            else:
                kappas = tuple(by_plane_integral(name, p, q, c) for p in (0, 1, 2))
            squares = float((left**2) @ (right**2))
            entry = (left @ right * kappas[1], sigma0**2 * squares * kappas[2], kappas[0])
            out[:, i, j] = entry
    return out[0], out[1], out[2]


def parts(kernels: LimitKernels) -> tuple[Array, Array, Array]:
    return kernels.mu, kernels.sigma, kernels.d


@pytest.mark.parametrize("name", sorted({*DERIVATIVES, *KINKED}))
@pytest.mark.parametrize("sigma0", SIGMAS)
def test_kernels_of_inputs_equal_their_integrals(name: str, sigma0: float) -> None:
    """Entries of each kernel alone to 1e-11, with equal and opposite inputs among the pairs."""
    x = unit_rows(3, 4, 2)
    other = np.concatenate([unit_rows(2, 4, 3), x[:1], -x[:1]])
    kernels = limit_kernels(ACTIVATIONS[name], sigma0, x, other)
    for got, want in zip(parts(kernels), expected_kernels(name, sigma0, x, other), strict=True):
        assert got.shape == (3, 4)
        assert np.abs(got - want).max() < 1e-11


@pytest.mark.parametrize("name", sorted({*DERIVATIVES, *KINKED}))
@pytest.mark.parametrize("sigma0", SIGMAS)
def test_kernels_of_digits_are_symmetric_and_positive(
    digits: Callable[[int, int], Array], name: str, sigma0: float
) -> None:
    """Real digits: exactly symmetric, no eigenvalue below -1e-12; K itself is definite."""
    kernels = limit_kernels(ACTIVATIONS[name], sigma0, digits(40, 14))
    for kernel in parts(kernels):
        assert np.linalg.eigvalsh(kernel)[0] > -1e-12
        assert np.array_equal(kernel, kernel.T)
    assert np.array_equal(kernels.total, kernels.mu + kernels.sigma + kernels.d)
    assert least_eigenvalue(kernels.total) == pytest.approx(np.linalg.eigvalsh(kernels.total)[0])
    assert least_eigenvalue(kernels.total) > 1e-4


@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_panels_of_equal_inputs_are_the_whole_kernels(name: str) -> None:
    """Upper triangle by panels and its mirror image, against every pair: to rounding.

    600 inputs are three panels of 256 rows, the last one short.
    """
    x = unit_rows(600, 5, 7)
    half = limit_kernels(ACTIVATIONS[name], 0.5, x)
    whole = limit_kernels(ACTIVATIONS[name], 0.5, x, x.copy())
    for got, want in zip(parts(half), parts(whole), strict=True):
        assert np.abs(got - want).max() < 1e-14
        assert np.array_equal(got, got.T)


def test_eigenvalues_of_a_known_matrix() -> None:
    matrix = np.array([[2.0, 1.0], [1.0, 2.0]])
    assert least_eigenvalue(matrix) == pytest.approx(1.0, rel=1e-14)
    assert greatest_eigenvalue(matrix) == pytest.approx(3.0, rel=1e-14)


@pytest.mark.parametrize("name", ["erf", "tanh"])
def test_noise_is_independent_even_at_one_input(name: str) -> None:
    """At i = j the correlation is 1/q and not 1: two noises, so K_d(x, x) < E phi(z)^2."""
    sigma0, x = 0.5, unit_rows(1, 3, 4)
    q = 1.25
    got = float(limit_kernels(ACTIVATIONS[name], sigma0, x).d[0, 0])
    assert got == pytest.approx(by_plane_integral(name, 0, q, 1 / q), abs=1e-11)
    assert by_plane_integral(name, 0, q, 1.0) - got > 0.05


# Definition 1 at finite width

XI = torch.arange(-8.5, 8.51, 0.25, dtype=torch.float64)
DENSITY = torch.exp(-XI.square() / 2) / sqrt(2 * pi) / 4
PHI = {
    "erf": torch.erf,
    "tanh": torch.tanh,
    "soft_clipping": lambda z: (
        (torch.nn.functional.softplus(2 * z + 2) - torch.nn.functional.softplus(2 * z - 2)) / 2 - 1
    ),
    "gelu": torch.nn.functional.gelu,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
}


def brute_outputs(name: str, x: Tensor, mu: Tensor, sigma: Tensor, d: Tensor) -> Tensor:
    """Eqs. 2 and 3 with an explicit rule over the noise (ReLU: Gauss-Legendre from the kink)."""
    mean = (x @ mu.T)[..., None]
    std = (x**2 @ (sigma**2).T).sqrt()[..., None]
    if name in KINKED:
        nodes, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(80))
        kink = (-mean / std).clamp(-9, 9)
        xi, half = kink + (9 - kink) / 2 * (nodes + 1), (9 - kink) / 2
        density = torch.exp(-xi.square() / 2) / sqrt(2 * pi)
        smoothed = (half * weights * (mean + std * xi) * density).sum(dim=-1)
        if name == "leaky_relu":
            smoothed = 0.99 * smoothed + 0.01 * mean[..., 0]
    else:
        smoothed = PHI[name](mean + std * XI) @ DENSITY
    return smoothed @ d / sqrt(len(mu))


@pytest.mark.parametrize(
    ("name", "sigma0"),
    [
        ("erf", 1.0),
        ("tanh", 0.5),
        ("soft_clipping", 1.0),
        ("relu", 0.5),
        ("leaky_relu", 1.0),
        ("gelu", 0.5),
        ("sigmoid", 1.0),
        ("softplus", 1.0),
    ],
)
def test_finite_networks_approach_each_limit_kernel(name: str, sigma0: float) -> None:
    """Definition 1 at m = 2^14 by autograd Jacobians: each kernel within its Monte Carlo error.

    A kernel is a mean over units of the Jacobians' products, so the spread over units gives the
    error: |z| < 4.5 for every entry of every d x d block, off its diagonal (limit 0) too. The error
    of the diagonal is below 6% of the kernel's largest entry, K_sigma's included.
    """
    width, samples, outputs = 2**14, 3, 2
    x = unit_rows(samples, outputs, 6)
    generator = torch.Generator().manual_seed(17)
    shape = (width, outputs)
    mu, d = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    sigma = torch.full(shape, sigma0, dtype=torch.float64)
    leaves = [w.requires_grad_() for w in (mu, sigma, d)]
    values = brute_outputs(name, torch.from_numpy(x), *leaves).flatten()
    jacobians = [torch.autograd.grad(v, leaves, retain_graph=True) for v in values]
    limits = parts(limit_kernels(ACTIVATIONS[name], sigma0, x))
    for layer, limit in enumerate(limits):
        jacobian = torch.stack([row[layer] for row in jacobians])
        # (unit, ik, jk'): m times each unit's term of Theta.
        terms = width * torch.einsum("pra,qra->rpq", jacobian, jacobian)
        mean = terms.mean(dim=0).numpy()
        error = (terms.std(dim=0) / sqrt(width)).numpy()
        expected = np.kron(limit, np.eye(outputs))
        exact = error < 1e-15  # W_d's blocks off the diagonal are zero for every unit
        assert np.array_equal(mean[exact], expected[exact])
        z = (mean - expected)[~exact] / error[~exact]
        assert np.abs(z).max() < 4.5, (layer, z)
        assert np.diag(error).max() < 0.06 * np.abs(limit).max()


@pytest.mark.parametrize("name", ["erf", "relu", "tanh"])
def test_rows_of_other_norms_are_refused(name: str) -> None:
    """Lemma 1's q = 1 + sigma0^2 is for unit rows; elsewhere c leaves [-1/q, 1/q]: NaN or 1e25."""
    x = 3 * unit_rows(3, 4, 2)
    with pytest.raises(UserError, match="unit"):
        limit_kernels(ACTIVATIONS[name], 0.5, x)
