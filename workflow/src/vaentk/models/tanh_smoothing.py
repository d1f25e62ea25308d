"""The Gaussian smoothing of tanh by few, equally spaced nodes and no tanh, in memory of its own.

A pair of opposite nodes shares one division. With ``theta = tanh 2u``, ``x = sech 2u``,
``D = cosh(2 s xi)`` and ``g = 1 / (1 + x D)``

    tanh(u + s xi) + tanh(u - s xi) = 2 theta g

whose derivatives by u are polynomials in ``g``, so that with the node pairs' weights ``w_i``

    c   = 2 theta sum_i w_i g_i
    a   = 4 sum_i w_i [p_i + x^2 (g_i - p_i)],                     p_i = g_i (1 - g_i)
    b/2 = 4 theta sum_i w_i [p_i - 2 q_i - 2 x^2 (g_i - p_i - q_i)],   q_i = g_i p_i.

At ``xi_i = (i - 1/2) h`` and with ``y = 2 s h``, the first is ``D_1 = cosh(y/2)``, the others come
from Chebyshev's recurrence ``D_{i+1} = 2 cosh(y) D_i - D_{i-1}``, and ``cosh y`` is a short power
series in v. The trapezoid rule that these nodes call for converges exponentially; weights fitted
to tanh itself, over the deviations that are needed, save one pair more.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.errors import UserError
from vaentk.fused import fused

MOST_PAIRS = 40
"""Pairs of nodes after which the search for a rule gives up."""

LADDER = (0.22, 0.28, 0.37, 0.48, 0.6, 0.75, 0.95, 1.2, 1.5, 2.0)
"""Largest deviations for which rules are made; beyond the last one the last one is used."""

_BLOCK = 2**15
"""Elements smoothed at a time: few enough for its cache, enough to hide a call's cost."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """Nodes ``±(i - 1/2) spacing``, in deviations, with one weight a pair."""

    spacing: float
    """h."""
    weights: tuple[float, ...]
    """``w_i``, from the centre outwards; they sum to about 1/2."""
    error: float
    """Largest error of c, a and b that was found, up to the deviation it was made for."""


@lru_cache
def rule(max_std: float, tolerance: float) -> Rule:
    """Find the rule with the fewest pairs for deviations up to ``max_std``.

    Weights are fitted by least squares to c, a and b on a grid of means and deviations, for every
    spacing of a list; a trapezoid rule of step 1/16, far below rounding, says what is right.

    Raises
    ------
    UserError
        When `MOST_PAIRS` do not reach the tolerance.
    """
    fine = np.arange(1 / 32, 10, 1 / 16)
    density = np.exp(-(fine**2) / 2)
    exact = _pairs(max_std, fine) @ (density / (2 * density.sum()))
    for pairs in range(2, MOST_PAIRS + 1):
        best = Rule(0.0, (), tolerance)
        for spacing in np.geomspace(0.1, 1.4, 60):
            nodes = (np.arange(pairs) + 0.5) * spacing
            if nodes[-1] < 1.5 or nodes[-1] > 9:
                continue
            system = _pairs(max_std, nodes)
            weights = np.linalg.lstsq(system, exact, rcond=None)[0]
            error = float(np.abs(system @ weights - exact).max())
            if error <= best.error:
                best = Rule(float(spacing), tuple(weights.tolist()), error)
        if best.weights:
            return best
    raise UserError(
        f"tanh cannot be smoothed to {tolerance:g} by {MOST_PAIRS} pairs of nodes at latent "
        f"standard deviation {max_std:g}: lower sigma0"
    )


def _pairs(max_std: float, nodes: Array) -> Array:
    """Return tanh and two derivatives, summed over pairs: (values of u, s and order, nodes)."""
    u = np.linspace(0, 8, 65)[:, None]
    parts = []
    for std in max_std * np.linspace(0.125, 1, 8):
        above, below = np.tanh(u + std * nodes), np.tanh(u - std * nodes)
        slopes = 1 - above**2, 1 - below**2
        parts += [
            above + below,
            slopes[0] + slopes[1],
            -2 * (above * slopes[0] + below * slopes[1]),
        ]
    return np.concatenate(parts)


class TanhSmoother:
    """Smooths tanh from fixed tensors into fixed tensors, which it overwrites at every call.

    Parameters
    ----------
    mean, variance
        ``u`` and ``v``, read.
    value, slope, half_curvature
        ``c``, ``a`` and ``b/2`` (which is dc/dv), written. All five are contiguous and of one
        shape, dtype and device.
    tolerance
        Largest error of c, a and b, rounding apart.
    max_std
        Largest ``sqrt(v)``; None to look at every call and take the rule that is needed, which
        makes the host wait for the device.
    """

    def __init__(
        self,
        mean: Tensor,
        variance: Tensor,
        value: Tensor,
        slope: Tensor,
        half_curvature: Tensor,
        *,
        tolerance: float,
        max_std: float | None,
    ) -> None:
        self.tensors = [t.view(-1) for t in (mean, variance, value, slope, half_curvature)]
        self.tolerance, self.max_std = tolerance, max_std
        self.plans: dict[float, list[_Block]] = {}

    def __call__(self) -> None:
        """Smooth; what is done depends on the values of mean and variance alone."""
        mean, variance, *smoothed = self.tensors
        std = self.max_std
        if std is None:
            std = float(variance.amax()) ** 0.5
        reach = next((step for step in LADDER if std <= step), LADDER[-1])
        if mean.is_cuda:
            chosen = rule(reach, self.tolerance)
            found = _SMOOTHED(mean, variance, chosen.spacing, [*chosen.weights])
            for tensor, values in zip(smoothed, found, strict=True):
                tensor.copy_(values)
            return
        if reach not in self.plans:
            self.plans[reach] = self._plan(reach)
        for block in self.plans[reach]:
            block.smooth()

    def _plan(self, reach: float) -> "list[_Block]":
        chosen = rule(reach, self.tolerance)
        variance = self.tensors[1]
        size = min(len(variance), _BLOCK)
        workspace = _Workspace(chosen, reach, size, variance)
        parts = zip(*(torch.split(t, size) for t in self.tensors), strict=True)
        return [_Block(workspace, *part) for part in parts]


class _Workspace:
    """A rule on a device, and the memory in which one block is smoothed."""

    def __init__(self, chosen: Rule, reach: float, size: int, like: Tensor) -> None:
        # A number that is not a tensor yet would be made one at every call.
        self.one, self.two, self.four = (like.new_tensor(number) for number in (1.0, 2.0, 4.0))
        # 2 + 2 cosh y = 4 + v s_1 (1 + v s_2 (1 + ...)), s_k = 4 h^2 / (2k (2k - 1)) and s_1 twice.
        square = 4 * chosen.spacing**2
        self.series, term = [square], square * reach**2
        while term > torch.finfo(like.dtype).eps:
            k = len(self.series) + 1
            self.series.append(square / (2 * k * (2 * k - 1)))
            term *= self.series[-1] * reach**2
        weights = like.new_tensor(chosen.weights)
        self.weights = 2 * weights, 4 * weights, 8 * weights
        self.pairs = len(chosen.weights)
        self.powers = like.new_empty(2, self.pairs * size)
        self.sums = like.new_empty(3, size)
        self.others = like.new_empty(4, size)


class _Block:
    """Views of one block of elements, made once: making them costs as much as using them."""

    def __init__(self, space: _Workspace, *tensors: Tensor) -> None:
        size = len(tensors[0])
        self.space, self.tensors = space, tensors
        self.powers = [p[: space.pairs * size].view(space.pairs, size) for p in space.powers]
        self.turned = [p.T for p in self.powers]
        self.rows = list(self.powers[1])
        self.sums = [s[:size] for s in space.sums]
        self.others = [o[:size] for o in space.others]

    def smooth(self) -> None:
        """Write c, a and b/2."""
        space = self.space
        mean, variance, value, slope, half_curvature = self.tensors
        g, p = self.powers
        theta, falling, product, turn = self.others
        # sigmoid is torch's quickest function with an exponential in it; of 4u and -4u it gives
        # theta, their difference, and x^2 / 4, their product.
        torch.mul(mean, space.four, out=theta)
        torch.neg(theta, out=falling)
        theta.sigmoid_()
        falling.sigmoid_()
        torch.mul(theta, falling, out=product)
        theta.sub_(falling)
        torch.add(space.one, variance, alpha=space.series[-1], out=turn)
        for scale in space.series[-2:0:-1]:
            torch.addcmul(space.one, turn, variance, value=scale, out=turn)
        torch.addcmul(space.four, turn, variance, value=space.series[0], out=turn)
        # Rows of x D_i; now turn = 2 + 2 cosh y = 4 cosh^2(y/2), and 2 cosh y from there on.
        rows = self.rows
        torch.mul(product, turn, out=rows[0])
        rows[0].sqrt_()
        turn.sub_(space.two)
        torch.mul(turn, rows[0], out=rows[1])
        rows[1].sub_(rows[0])
        for i in range(2, len(rows)):
            torch.mul(turn, rows[i - 1], out=rows[i])
            rows[i].sub_(rows[i - 2])
        torch.add(p, space.one, out=g)
        g.reciprocal_()
        torch.addcmul(g, g, g, value=-1, out=p)
        first, second, third = self.sums  # 2 sum w g, 4 sum w p, 8 sum w q
        torch.mv(self.turned[0], space.weights[0], out=first)
        torch.mv(self.turned[1], space.weights[1], out=second)
        g.mul_(p)  # q
        torch.mv(self.turned[0], space.weights[2], out=third)
        torch.mul(theta, first, out=value)
        first.sub_(second, alpha=0.5)
        torch.addcmul(second, product, first, value=8, out=slope)
        first.sub_(third, alpha=0.25)
        second.sub_(third).addcmul_(product, first, value=-16)
        torch.mul(theta, second, out=half_curvature)


def smoothed(
    mean: Tensor, variance: Tensor, spacing: float, weights: list[float]
) -> tuple[Tensor, Tensor, Tensor]:
    """Give c, a and b/2 as new tensors, by a rule's spacing and weights, in simple terms."""
    spread = variance.sqrt().mul_(2 * spacing)
    nodes = torch.arange(len(weights), dtype=mean.dtype, device=mean.device).add_(0.5)
    up, down = torch.sigmoid(4 * mean), torch.sigmoid(-4 * mean)
    g = 1 / (1 + (nodes[:, None] * spread).cosh_() * (up * down).sqrt_().mul_(2))
    p, w = g * (1 - g), mean.new_tensor(weights)
    theta, square, q = up - down, 4 * up * down, g * p
    slope = 4 * (w @ (p + square * (g - p)))
    half_curvature = 4 * theta * (w @ (p - 2 * q - 2 * square * (g - p - q)))
    return 2 * theta * (w @ g), slope, half_curvature


def smoothed_code(spacing: float, weights: list[float]) -> str:
    """C++ of `smoothed`."""
    listed = ", ".join(map(repr, weights))
    return f"""template <typename T> void smoothed(T u, T v, T& value, T& slope, T& curvature) {{
        const double weights[] = {{{listed}}};
        const T up = T(1) / (T(1) + exp(T(-4) * u)), down = T(1) / (T(1) + exp(T(4) * u));
        const T theta = up - down, square = T(4) * up * down;
        const T y = T({2 * spacing!r}) * sqrt(v), turn = T(2) * cosh(y);
        T values = 0, slopes = 0, curvatures = 0;
        T row = sqrt(square) * cosh(y / T(2)), before = row;  // cosh is even
        for (int i = 0; i < {len(weights)}; ++i) {{
            const T g = T(1) / (T(1) + row), p = g * (T(1) - g), q = g * p, w = T(weights[i]);
            values += w * g;
            slopes += w * (p + square * (g - p));
            curvatures += w * (p - T(2) * q - T(2) * square * (g - p - q));
            const T after = turn * row - before;
            before = row;
            row = after;
        }}
        value = T(2) * theta * values;
        slope = T(4) * slopes;
        curvature = T(4) * theta * curvatures;  // half of it
    }}"""


_SMOOTHED = fused("smoothed_tanh", smoothed, smoothed_code, 2, outputs=3)
