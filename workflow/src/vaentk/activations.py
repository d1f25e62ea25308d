"""Activations, their two derivatives, and their Gaussian smoothing.

A latent unit of the stochastic network is a scalar Gaussian, ``z ~ N(u, v)``, so every expectation
over the latent noise is a one-dimensional integral (Wang & Huang 2024, Eq. 3):

    c = E phi(z),   a = E phi'(z) = dc/du,   b = E phi''(z) = 2 dc/dv        (Stein's lemma)

They are closed forms for the identity, erf, ReLU, leaky ReLU and GELU, and Gauss-Hermite quadrature
otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import inf, pi, sqrt
from typing import Any, NamedTuple

import torch
from scipy.special import roots_hermitenorm
from torch import Tensor

from vaentk.errors import UserError
from vaentk.fused import fused

DEGREES = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Gauss-Hermite degrees that the convergence check goes through."""

NEGATIVE_SLOPE = 0.01
"""Slope of the leaky ReLU below zero: PyTorch's default."""

_NODES_AT_ONCE = 2**17
"""Elements of one block of quadrature nodes: 512 KiB in float32, which stays in a core's cache."""


Derivatives = tuple[Tensor, Tensor, Tensor]
"""``phi(z)``, ``phi'(z)`` and ``phi''(z)``, elementwise; ``phi''`` is taken almost everywhere."""


class Smoothed(NamedTuple):
    """Expectations under ``z ~ N(u, v)``, each of the shape of ``u``."""

    value: Tensor
    """``c = E phi(z)``."""
    slope: Tensor
    """``a = E phi'(z)``."""
    curvature: Tensor
    """``b = E phi''(z)``."""


@dataclass(frozen=True)
class Activation:
    """One activation: ``phi`` with its derivatives, and its closed smoothing where there is one."""

    name: str
    derivatives: Callable[[Tensor], Derivatives]
    closed_form: Callable[[Tensor, Tensor], Smoothed] | None = None
    """``(u, v) -> Smoothed`` for mean and variance, or None where quadrature is used."""
    meets_assumptions: bool = True
    """Whether ``phi`` and ``phi'`` are continuous and Lipschitz (Assumptions 4.1 and 4.2)."""

    def __call__(self, z: Tensor) -> Tensor:
        """Apply ``phi`` elementwise."""
        return self.derivatives(z)[0]


def _normal_density(z: Tensor) -> Tensor:
    return torch.exp(-0.5 * z * z) / sqrt(2 * pi)


def _identity(z: Tensor) -> Derivatives:
    return z, torch.ones_like(z), torch.zeros_like(z)


def _smoothed_identity(u: Tensor, v: Tensor) -> Smoothed:
    return Smoothed(u, torch.ones_like(u), torch.zeros_like(u))


def _erf(z: Tensor) -> Derivatives:
    slope = torch.exp(-z * z) * (2 / sqrt(pi))
    return torch.erf(z), slope, -2 * z * slope


def _smoothed_erf(u: Tensor, v: Tensor) -> Smoothed:
    """``erf(u / sqrt(1 + 2v))``: the noise widens the Gaussian that erf integrates."""
    root = torch.rsqrt(1 + 2 * v)
    argument = u * root
    slope = torch.exp(-argument * argument) * root * (2 / sqrt(pi))
    return Smoothed(torch.erf(argument), slope, -2 * argument * root * slope)


def _relu(z: Tensor) -> Derivatives:
    return z.clamp(min=0), (z > 0).to(z.dtype), torch.zeros_like(z)


def _smoothed_relu(u: Tensor, v: Tensor) -> Smoothed:
    """``u Phi(u/s) + s pdf(u/s)``, ``s = sqrt(v) > 0``; the curvature is the density of z at 0."""
    s = v.sqrt()
    slope, density = torch.special.ndtr(u / s), _normal_density(u / s)
    return Smoothed(u * slope + s * density, slope, density / s)


def _leaky_relu(z: Tensor) -> Derivatives:
    slope = torch.where(z > 0, torch.ones_like(z), NEGATIVE_SLOPE)
    return z * slope, slope, torch.zeros_like(z)


def _smoothed_leaky_relu(u: Tensor, v: Tensor) -> Smoothed:
    """``a z + (1 - a) relu(z)`` for the slope ``a``: the smoothing is linear in the activation."""
    value, slope, curvature = _smoothed_relu(u, v)
    rest = 1 - NEGATIVE_SLOPE
    return Smoothed(
        NEGATIVE_SLOPE * u + rest * value, NEGATIVE_SLOPE + rest * slope, rest * curvature
    )


def _gelu(z: Tensor) -> Derivatives:
    """``z Phi(z)``, the exact form of Hendrycks & Gimpel 2016."""
    probability, density = torch.special.ndtr(z), _normal_density(z)
    return z * probability, probability + z * density, (2 - z * z) * density


def _smoothed_gelu(u: Tensor, v: Tensor) -> Smoothed:
    """``u Phi(t) + v/sqrt(w) pdf(t)``, ``w = 1 + v`` and ``t = u/sqrt(w)``: ``Phi`` smooths to it.

    ``E[z Phi(z)] = u E Phi(z) + v E pdf(z)`` by Stein's lemma; slope and curvature are its first
    two derivatives in ``u``.
    """
    scale = 1 + v
    root = torch.rsqrt(scale)
    ratio = u * root
    probability, density = torch.special.ndtr(ratio), _normal_density(ratio)
    return Smoothed(
        u * probability + v * root * density,
        probability + ratio * density / scale,
        root * density * (1 + (1 - ratio * ratio) / scale),
    )


def _softplus(z: Tensor) -> Derivatives:
    """``log(1 + e^z)`` without overflow; beyond 50 it is z in either precision."""
    slope, rest = torch.sigmoid(z), torch.sigmoid(-z)
    return torch.nn.functional.softplus(z, threshold=50), slope, slope * rest


def _sigmoid(z: Tensor) -> Derivatives:
    value, rest = torch.sigmoid(z), torch.sigmoid(-z)
    slope = value * rest
    return value, slope, slope * (rest - value)


def _tanh(z: Tensor) -> Derivatives:
    value = torch.tanh(z)
    slope = 1 - value * value
    return value, slope, -2 * value * slope


def soft_clipping(sharpness: float, lower: float, upper: float) -> Activation:
    """Build the generalised soft-clipping activation (Surendran et al. 2024).

    ``f(x) = (1/s) log[(1 + e^{s(x - s1)}) / (1 + e^{s(x - s2)})] + s1``, without overflow; it tends
    to clipping between the bounds ``s1 < s2`` as the sharpness ``s > 0`` grows.
    """

    def derivatives(z: Tensor) -> Derivatives:
        rise, fall = torch.sigmoid(sharpness * (z - lower)), torch.sigmoid(sharpness * (z - upper))
        curvature = sharpness * (rise * (1 - rise) - fall * (1 - fall))
        return soft_clip(z, sharpness, lower, upper), rise - fall, curvature

    return Activation("soft_clipping", derivatives)


def soft_clip(z: Tensor, sharpness: float, lower: float, upper: float) -> Tensor:
    """Evaluate `soft_clipping` alone, in few passes over memory; autograd differentiates it.

    ``f(z) = clamp(z, s1, s2) + (1/s) log[sigmoid(s|z - s2|) / sigmoid(s|z - s1|)]``, the same
    function: no term is larger than z, so that z between the bounds loses no digits.
    """
    clipped: Tensor = _SoftClip.apply(z, sharpness, lower, upper)
    return clipped


def _clipped(z: Tensor, sharpness: float, lower: float, upper: float) -> Tensor:
    low = (z - lower).abs_().mul_(sharpness).sigmoid_()
    high = (z - upper).abs_().mul_(sharpness).sigmoid_()
    return z.clamp(lower, upper).add_(high.div_(low).log_(), alpha=1 / sharpness)


def _clipped_back(
    z: Tensor, gradient: Tensor, sharpness: float, lower: float, upper: float
) -> Tensor:
    rise = (z - lower).mul_(sharpness).sigmoid_()
    fall = (z - upper).mul_(sharpness).sigmoid_()
    return gradient * (rise - fall)


def clipped_code(sharpness: float, lower: float, upper: float) -> str:
    """C++ of soft-clipping, computed in float whatever the type is."""
    return f"""template <typename T> T soft_clip(T z) {{
        const float x = z, s = {sharpness!r}, lower = {lower!r}, upper = {upper!r};
        const float clipped = x < lower ? lower : (x > upper ? upper : x);
        const float below = log1pf(expf(-s * fabsf(x - lower)));
        return clipped + (below - log1pf(expf(-s * fabsf(x - upper)))) / s;
    }}"""


def clipped_back_code(sharpness: float, lower: float, upper: float) -> str:
    """C++ of a gradient by the value times soft-clipping's slope."""
    return f"""template <typename T> T soft_clip_back(T z, T gradient) {{
        const float x = z, by_value = gradient, s = {sharpness!r};
        const float rise = 1 / (1 + expf(-s * (x - {lower!r}f)));
        return by_value * (rise - 1 / (1 + expf(-s * (x - {upper!r}f))));
    }}"""


def _in_float(z: Tensor) -> bool:
    """Whether a GPU's kernels, which compute in float, are as exact as the tensor."""
    return z.is_cuda and z.dtype != torch.float64


_CLIPPED = fused("soft_clip", _clipped, clipped_code, 1)
_CLIPPED_BACK = fused("soft_clip_back", _clipped_back, clipped_back_code, 2)


class _SoftClip(torch.autograd.Function):
    """Keeps z alone for the way back, where autograd would keep every term."""

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, sharpness: float, lower: float, upper: float) -> Tensor:
        clipped: Tensor = (_CLIPPED if _in_float(z) else _clipped)(z, sharpness, lower, upper)
        return clipped

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float, float], output: Tensor) -> None:
        z, *ctx.bounds = inputs
        ctx.save_for_backward(z)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (z,) = ctx.saved_tensors
        back = _CLIPPED_BACK if _in_float(z) else _clipped_back
        return back(z, gradient, *ctx.bounds), None, None, None


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("identity", _identity, _smoothed_identity),
        Activation("erf", _erf, _smoothed_erf),
        Activation("relu", _relu, _smoothed_relu, meets_assumptions=False),
        Activation("leaky_relu", _leaky_relu, _smoothed_leaky_relu, meets_assumptions=False),
        Activation("gelu", _gelu, _smoothed_gelu),
        Activation("tanh", _tanh),
        Activation("softplus", _softplus),
        Activation("sigmoid", _sigmoid),
        soft_clipping(sharpness=2.0, lower=-1.0, upper=1.0),
    )
}
"""Every activation by name; soft-clipping is taken with s = 2 between -1 and 1."""


class Smoothing:
    """The Gaussian smoothing ``(u, v) -> Smoothed`` of one activation.

    Where it has no closed form, c, a and b are right to the tolerance (in float64) for standard
    deviations ``sqrt(v)`` up to ``max_std``; a UserError if no Gauss-Hermite degree reaches that.
    """

    def __init__(self, activation: Activation, max_std: float, tolerance: float = 1e-12) -> None:
        self.activation = activation
        closed = activation.closed_form
        self.degree = 0 if closed else gauss_hermite_degree(activation, max_std, tolerance)
        self.max_std = inf if closed else max_std

    def __call__(self, u: Tensor, v: Tensor, step: int = 0) -> Smoothed:
        """Smooth elementwise: ``u`` and ``v`` of one shape, any dtype and device, at any step."""
        if self.activation.closed_form is not None:
            return self.activation.closed_form(u, v)
        return quadrature(self.activation, u, v, self.degree)


def quadrature(activation: Activation, u: Tensor, v: Tensor, degree: int) -> Smoothed:
    """Smooth by Gauss-Hermite quadrature of the given degree, for ``u`` and ``v`` of one shape."""
    nodes, weights = (t.to(u.device, u.dtype) for t in _gauss_hermite(degree))
    s = v.sqrt()
    block = max(1, _NODES_AT_ONCE // max(1, u.numel()))
    totals: list[Tensor] | None = None
    for xi, w in zip(torch.split(nodes, block), torch.split(weights, block), strict=True):
        parts = activation.derivatives(u + xi.view(-1, *[1] * u.dim()) * s)
        sums = [torch.tensordot(w, part, dims=1) for part in parts]
        totals = sums if totals is None else [t + p for t, p in zip(totals, sums, strict=True)]
    assert totals is not None  # degree >= 1
    return Smoothed(*totals)


@lru_cache
def gauss_hermite_degree(activation: Activation, max_std: float, tolerance: float) -> int:
    """Find the least degree whose smoothing agrees with that of twice the degree.

    The check takes the worst of c, a, b over means in [-8, 8] and standard deviations up to
    ``max_std``; the error of the degree returned is at most ``tolerance``.
    """
    u = torch.linspace(-8, 8, 129, dtype=torch.float64).expand(3, -1)
    v = (torch.tensor([0.25, 0.5, 1.0], dtype=torch.float64) * max_std).square()[:, None]
    v = v.expand_as(u)
    for degree in DEGREES:
        coarse = quadrature(activation, u, v, degree)
        fine = quadrature(activation, u, v, 2 * degree)
        error = max(float((p - q).abs().max()) for p, q in zip(coarse, fine, strict=True))
        if error <= tolerance:
            return degree
    raise UserError(
        f"activation {activation.name!r} cannot be smoothed to {tolerance:g} by Gauss-Hermite "
        f"quadrature at latent standard deviation {max_std:g}: lower sigma0"
    )


@lru_cache
def _gauss_hermite(degree: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights of ``E g(xi)``, ``xi ~ N(0, 1)``: float64, weights sum to 1."""
    nodes, weights = roots_hermitenorm(degree)
    return torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())
