"""Activations and their Gaussian smoothing against quadrature, Monte Carlo and autograd.

Expectations here come from formulas written in this file (NumPy, mpmath, SciPy) and from Stein's
lemma, ``E phi'(z) = E[phi(z) xi]/s`` and ``E phi''(z) = E[phi(z) (xi^2 - 1)]/s^2``, which need the
values of ``phi`` only and hold for ReLU too.
"""

from collections.abc import Callable
from math import exp, isfinite, log, pi, sqrt

import mpmath
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import erf
from scipy.stats import norm

from vaentk.activations import (
    ACTIVATIONS,
    DEGREES,
    Smoothing,
    gauss_hermite_degree,
    quadrature,
    soft_clipping,
)
from vaentk.errors import UserError

Array = NDArray[np.float64]
SMOOTH = ("identity", "erf", "tanh", "soft_clipping", "gelu", "sigmoid", "softplus")


def _clip(z: Array, s: float = 2.0, low: float = -1.0, high: float = 1.0) -> Array:
    """Surendran et al. 2024, as printed; moderate arguments only."""
    return np.log((1 + np.exp(s * (z - low))) / (1 + np.exp(s * (z - high)))) / s + low


FORMULAS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "erf": erf,
    "relu": lambda z: np.maximum(z, 0.0),
    "tanh": np.tanh,
    "soft_clipping": _clip,
    "leaky_relu": lambda z: np.where(z > 0, z, z / 100),
    "gelu": lambda z: z * norm.cdf(z),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log1p(np.exp(z)),
}


def test_every_activation_is_tested_here() -> None:
    assert set(FORMULAS) == set(ACTIVATIONS)
    assert {*SMOOTH, "relu", "leaky_relu"} == set(ACTIVATIONS)


def by_trapezoid(name: str, u: Array, s: Array) -> tuple[Array, Array, Array]:
    """Value, slope, curvature by the trapezoid rule in xi, exponentially exact for smooth phi.

    Step 1/32 over 12 standard deviations: the integrands' nearest pole lies (pi/2)/s >= 0.5 away,
    so the rule's error is below exp(-2 pi 0.5 * 32) = 1e-43, and the tails are below 1e-30.
    """
    xi = np.arange(-12, 12 + 1 / 64, 1 / 32)
    weight = np.exp(-(xi**2) / 2) / sqrt(2 * pi) / 32
    values = FORMULAS[name](u[..., None] + s[..., None] * xi)
    return (
        values @ weight,
        values @ (weight * xi) / s,
        values @ (weight * (xi**2 - 1)) / s**2,
    )


def grid(max_std: float) -> tuple[Array, Array]:
    u, s = np.meshgrid(np.linspace(-6, 6, 41), np.linspace(0.05, max_std, 20))
    return u, s


def smooth(name: str, max_std: float, u: Array, s: Array) -> tuple[Array, Array, Array]:
    smoothed = Smoothing(ACTIVATIONS[name], max_std)(
        torch.from_numpy(u), torch.from_numpy(np.square(s))
    )
    value, slope, curvature = (part.numpy() for part in smoothed)
    return value, slope, curvature


# Smoothing


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("max_std", [0.1, 0.5, 1.0])
def test_smoothing_equals_quadrature(name: str, max_std: float) -> None:
    """To 1e-10; Stein's division by s^2 >= 0.0025 leaves some 1e-12 in the reference."""
    u, s = grid(max_std)
    ours = smooth(name, max_std, u, s)
    for got, want in zip(ours, by_trapezoid(name, u, s), strict=True):
        assert np.abs(got - want).max() < 1e-10


@pytest.mark.parametrize("name", SMOOTH)
def test_slope_and_curvature_equal_quadrature_of_the_derivatives(name: str) -> None:
    """mpmath differentiates phi numerically with 40 digits, inside the integral; to 1e-10."""
    mpmath.mp.dps = 40
    phi = {
        "identity": lambda z: z,
        "erf": mpmath.erf,
        "tanh": mpmath.tanh,
        "soft_clipping": lambda z: (
            mpmath.log((1 + mpmath.exp(2 * z + 2)) / (1 + mpmath.exp(2 * z - 2))) / 2 - 1
        ),
        "gelu": lambda z: z * mpmath.ncdf(z),
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    }[name]
    points = [(-1.3, 0.1), (0.4, 0.5), (2.1, 1.0)]
    for u, s in points:
        want = []
        for order in (0, 1, 2):
            # sum over xi of the trapezoid rule, step 1/8, exact to exp(-2 pi (pi/2) 8) = 1e-34
            nodes = [mpmath.mpf(k) / 8 for k in range(-112, 113)]
            terms = [mpmath.diff(phi, u + s * xi, order) * mpmath.exp(-xi * xi / 2) for xi in nodes]
            want.append(float(mpmath.fsum(terms) / 8 / mpmath.sqrt(2 * mpmath.pi)))
        got = smooth(name, 1.0, np.array([u]), np.array([s]))
        assert np.allclose([g[0] for g in got], want, rtol=0, atol=1e-10), (name, u, s)


@pytest.mark.parametrize(("name", "below"), [("relu", 0.0), ("leaky_relu", 0.01)])
@pytest.mark.parametrize(("u", "s"), [(-2.0, 0.5), (-0.3, 0.1), (0.0, 1.0), (0.7, 0.5), (3.0, 2.0)])
def test_smoothed_kinks_equal_adaptive_quadrature(
    name: str, below: float, u: float, s: float
) -> None:
    """Half-line integrals from the kink, by SciPy's adaptive rule to 1e-13; compared to 1e-10."""
    kink = -u / s
    pieces = [(kink, max(kink, 0.0) + 14, 1.0), (min(kink, 0.0) - 14, kink, below)]

    def moment(power: int) -> float:
        return sum(
            slope
            * quad(lambda t: (u + s * t) * t**power * norm.pdf(t), start, end, epsabs=1e-13)[0]
            for start, end, slope in pieces
        )

    value, slope, curvature = (p[0] for p in smooth(name, 2.0, np.array([u]), np.array([s])))
    assert value == pytest.approx(moment(0), abs=1e-10)
    assert slope == pytest.approx(moment(1) / s, abs=1e-10)
    assert curvature == pytest.approx((moment(2) - moment(0)) / s**2, abs=1e-10)
    # phi'' is the jump of the slope times a Dirac delta at 0.
    assert curvature == pytest.approx((1 - below) * norm.pdf(0, loc=u, scale=s), abs=1e-14)


@pytest.mark.parametrize("name", sorted(FORMULAS))
@pytest.mark.parametrize(("u", "s"), [(-0.8, 0.5), (0.3, 1.0), (1.5, 0.7)])
def test_smoothing_equals_monte_carlo_within_its_error(name: str, u: float, s: float) -> None:
    """A million antithetic pairs of values of phi only (Stein); |z| < 4.5, and the error is small.

    Both members of a pair are one observation, so the standard error counts pairs. Where Monte
    Carlo has no error (the identity's value) rounding of the mean, 1e-12, is allowed.
    """
    xi = np.random.default_rng(20).standard_normal(1_000_000)
    plus, minus = FORMULAS[name](u + s * xi), FORMULAS[name](u - s * xi)
    observations = (
        (plus + minus) / 2,
        (plus - minus) * xi / (2 * s),
        (plus + minus) * (xi**2 - 1) / (2 * s**2),
    )
    ours = smooth(name, 1.0, np.array([u]), np.array([s]))
    for got, seen in zip(ours, observations, strict=True):
        error = seen.std(ddof=1) / 1000
        assert error < 0.02
        assert abs(got[0] - seen.mean()) < 4.5 * error + 1e-12


def test_quadrature_is_the_gauss_hermite_rule() -> None:
    """Degree N integrates polynomials to degree 2N - 1: the moments of N(u, v), to rounding."""
    cube = ACTIVATIONS["identity"].__class__("cube", lambda z: (z**3, 3 * z**2, 6 * z))
    u = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)
    v = torch.tensor([0.3, 1.0, 4.0], dtype=torch.float64)
    value, slope, curvature = quadrature(cube, u, v, 2)
    assert torch.allclose(value, u**3 + 3 * u * v, rtol=1e-13)
    assert torch.allclose(slope, 3 * (u**2 + v), rtol=1e-13)
    assert torch.allclose(curvature, 6 * u, rtol=1e-13)


def test_blocks_of_nodes_do_not_change_the_result() -> None:
    """2^19 elements take one node at a time, 4 elements all nodes at once; equal to rounding."""
    u = torch.linspace(-3, 3, 4, dtype=torch.float64)
    many = quadrature(ACTIVATIONS["tanh"], u.repeat(2**17), torch.full((2**19,), 0.25).double(), 8)
    few = quadrature(ACTIVATIONS["tanh"], u, torch.full((4,), 0.25).double(), 8)
    for left, right in zip(many, few, strict=True):
        assert torch.allclose(left[:4], right, rtol=0, atol=1e-15)
        assert torch.equal(left[:4], left[-4:])


# The convergence check


@pytest.mark.parametrize("name", ["tanh", "soft_clipping", "sigmoid", "softplus"])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-5, 1e-7, 1e-10])
@pytest.mark.parametrize("max_std", [0.2, 0.5, 1.0])
def test_chosen_degree_is_right_to_the_tolerance(
    name: str, tolerance: float, max_std: float
) -> None:
    """Against the trapezoid rule at means and deviations that the check's own grid does not hold.

    1e-12 is added for the rounding of Stein's reference at the least deviation.
    """
    generator = np.random.default_rng(3)
    u = generator.uniform(-8, 8, 4000)
    s = generator.uniform(0.1, 1, 4000) * max_std
    smoothing = Smoothing(ACTIVATIONS[name], max_std, tolerance)
    ours = smoothing(torch.from_numpy(u), torch.from_numpy(s**2))
    for got, want in zip(ours, by_trapezoid(name, u, s), strict=True):
        assert np.abs(got.numpy() - want).max() <= tolerance + 1e-12


def test_degree_grows_with_accuracy_and_deviation() -> None:
    tanh = ACTIVATIONS["tanh"]
    by_tolerance = [gauss_hermite_degree(tanh, 1.0, t) for t in (1e-3, 1e-6, 1e-9, 1e-12)]
    by_deviation = [gauss_hermite_degree(tanh, s, 1e-9) for s in (0.1, 0.5, 1.0, 2.0)]
    for degrees in (by_tolerance, by_deviation):
        assert degrees == sorted(set(degrees))
        assert set(degrees) <= set(DEGREES)


@pytest.mark.parametrize("name", ["tanh", "soft_clipping"])
def test_absurd_deviation_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(UserError) as caught:
        Smoothing(ACTIVATIONS[name], 100.0)
    message = str(caught.value)
    assert f"'{name}'" in message
    assert "standard deviation 100" in message
    assert "sigma0" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["identity", "erf", "relu", "leaky_relu", "gelu"])
def test_closed_forms_have_no_limit_of_deviation(name: str) -> None:
    assert isfinite(float(Smoothing(ACTIVATIONS[name], 100.0)(*torch.ones(2, 1).double()).value))


# The activations themselves


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_activation_and_derivatives_equal_formula_and_autograd(name: str) -> None:
    """Values against this file's formulas, derivatives against autograd of them, to 1e-13."""
    torch_formulas = {
        "identity": lambda z: z,
        "erf": torch.erf,
        "relu": torch.relu,
        "tanh": torch.tanh,
        "soft_clipping": lambda z: (
            (torch.log1p(torch.exp(2 * (z + 1))) - torch.log1p(torch.exp(2 * (z - 1)))) / 2 - 1
        ),
        "leaky_relu": torch.nn.functional.leaky_relu,
        "gelu": torch.nn.functional.gelu,
        "sigmoid": torch.sigmoid,
        "softplus": torch.nn.functional.softplus,
    }
    z = torch.from_numpy(np.random.default_rng(1).uniform(-4, 4, 500)).requires_grad_()
    reference = torch_formulas[name](z)
    (slope,) = torch.autograd.grad(reference.sum(), z, create_graph=True)
    curvature = torch.zeros_like(z)
    if slope.requires_grad and name not in ("identity", "relu", "leaky_relu"):
        (curvature,) = torch.autograd.grad(slope.sum(), z)
    value, ours_slope, ours_curvature = ACTIVATIONS[name].derivatives(z.detach())
    assert np.allclose(value, FORMULAS[name](z.detach().numpy()), rtol=0, atol=1e-13)
    assert torch.equal(ACTIVATIONS[name](z.detach()), value)
    assert torch.allclose(ours_slope, slope.detach(), rtol=0, atol=1e-13)
    assert torch.allclose(ours_curvature, curvature.detach(), rtol=0, atol=1e-12)


def test_only_kinks_are_outside_the_assumptions() -> None:
    outside = [name for name, one in ACTIVATIONS.items() if not one.meets_assumptions]
    assert outside == ["relu", "leaky_relu"]


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_assumptions_hold_where_they_are_said_to(name: str) -> None:
    """Difference quotients of phi and phi' over [-30, 30]: below 3, or as 1/step at a kink."""
    z = torch.linspace(-30, 30, 600_001, dtype=torch.float64)
    value, slope, _ = ACTIVATIONS[name].derivatives(z)
    steepest = [float((part.diff() / z.diff()).abs().max()) for part in (value, slope)]
    assert steepest[0] < 3
    assert (steepest[1] < 3) == ACTIVATIONS[name].meets_assumptions


LIMITS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "identity": (lambda x: x, lambda x: x),
    "erf": (lambda x: -1, lambda x: 1),
    "relu": (lambda x: 0, lambda x: x),
    "leaky_relu": (lambda x: x / 100, lambda x: x),
    "gelu": (lambda x: 0, lambda x: x),
    "tanh": (lambda x: -1, lambda x: 1),
    "softplus": (lambda x: 0, lambda x: x),
    "sigmoid": (lambda x: 0, lambda x: 1),
    "soft_clipping": (lambda x: -1, lambda x: 1),
}
"""What ``phi`` tends to on the left and on the right."""


@pytest.mark.parametrize("name", sorted(FORMULAS))
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-3)])
@pytest.mark.parametrize("std", [None, 0.1, 1.0])
def test_activations_reach_their_limits_without_overflow(
    name: str, dtype: torch.dtype, tolerance: float, std: float | None
) -> None:
    """At |x| = 1e3 and 1e4, bare and smoothed: the limit, its slope, and no curvature."""
    x = torch.tensor([-1e4, -1e3, 1e3, 1e4], dtype=dtype)
    if std is None:
        got = ACTIVATIONS[name].derivatives(x)
    else:
        got = Smoothing(ACTIVATIONS[name], std)(x, torch.full_like(x, std**2))
    left, right = LIMITS[name]
    ends = [left(-1e4), left(-1e3), right(1e3), right(1e4)]
    slopes = [(ends[0] - ends[1]) / -9e3] * 2 + [(ends[3] - ends[2]) / 9e3] * 2
    for part, want in zip(got, (ends, slopes, [0.0] * 4), strict=True):
        assert torch.allclose(part, torch.tensor(want, dtype=dtype), rtol=1e-6, atol=tolerance)


@pytest.mark.parametrize(("name", "absolute"), [("softplus", 0), ("sigmoid", 0), ("gelu", 1e-15)])
def test_small_tails_keep_their_digits(name: str, absolute: float) -> None:
    """At 5 <= |z| <= 30, value, slope and curvature to 1e-11 relative, by mpmath.

    GELU's left tail is right to rounding only, as PyTorch's normal distribution is.
    """
    mpmath.mp.dps = 60
    formula = {
        "gelu": lambda z: z * mpmath.ncdf(z),
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    }[name]
    points = [-30.0, -17.3, -5.0, 5.0, 17.3, 30.0]
    got = ACTIVATIONS[name].derivatives(torch.tensor(points, dtype=torch.float64))
    for order, part in enumerate(got):
        exact = [float(mpmath.diff(formula, mpmath.mpf(z), order)) for z in points]
        assert np.allclose(part, exact, rtol=1e-11, atol=absolute), (name, order)


@pytest.mark.parametrize(
    ("sharpness", "lower", "upper"), [(1.0, 0.0, 50.0), (2.0, -1.0, 1.0), (10.0, -20.0, 20.0)]
)
def test_soft_clipping_equals_its_formula(sharpness: float, lower: float, upper: float) -> None:
    """mpmath with 60 digits, to 1e-12 of the interval's length."""
    mpmath.mp.dps = 60
    points = [*np.linspace(lower - 5, upper + 5, 41), -700.0, 700.0]
    value, slope, curvature = soft_clipping(sharpness, lower, upper).derivatives(
        torch.tensor(points, dtype=torch.float64)
    )

    def formula(x: mpmath.mpf) -> mpmath.mpf:
        up, down = (1 + mpmath.exp(sharpness * (x - bound)) for bound in (lower, upper))
        return mpmath.log(up / down) / sharpness + lower

    for index, x in enumerate(points):
        exact = [float(mpmath.diff(formula, mpmath.mpf(float(x)), k)) for k in (0, 1, 2)]
        got = [float(part[index]) for part in (value, slope, curvature)]
        assert got == pytest.approx(exact, rel=1e-11, abs=1e-12 * (upper - lower))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-3)])
def test_soft_clipping_reaches_its_limits_without_overflow(
    dtype: torch.dtype, tolerance: float
) -> None:
    """At |x| = 1e4; the tolerance is one unit in the last place of s x, which the value loses."""
    x = torch.tensor([-1e4, -1e3, 1e3, 1e4], dtype=dtype)
    for sharpness in (1.0, 2.0, 10.0):
        value, slope, curvature = soft_clipping(sharpness, -1.0, 1.0).derivatives(x)
        expected = torch.tensor([-1, -1, 1, 1], dtype=dtype)
        assert torch.allclose(value, expected, rtol=0, atol=tolerance)
        assert torch.equal(slope.abs() + curvature.abs(), torch.zeros_like(x))


def test_soft_clipping_tends_to_clipping() -> None:
    """Off by at most log(2)/s, at a bound, and by exp(-s |x - bound|)/s elsewhere."""
    x = torch.linspace(-3, 3, 601, dtype=torch.float64)
    for sharpness in (10.0, 100.0):
        gap = (soft_clipping(sharpness, -1.0, 1.0)(x) - x.clamp(-1, 1)).abs()
        assert float(gap.max()) == pytest.approx(log(2) / sharpness, rel=1e-8)
        inside = x.abs() < 0.5
        assert float(gap[inside].max()) < 1.01 * exp(-sharpness / 2) / sharpness + 1e-15
