"""Gradient flow by a stabilised explicit method: second-order Runge-Kutta-Chebyshev.

The flow ``dDelta/dt = -grad L(W(0) + Delta)`` is stiff and smooth: its fastest mode decays at the
rate lambda_max, what is of interest takes 1/lambda_0. A step of s gradients is stable up to
``h lambda_max = 0.65 s^2``, where s steps of gradient descent reach ``2 s``. The coefficients, the
error estimate and the choice of s are those of Sommeijer, Shampine & Verwer 1997 ("RKC: an explicit
solver for parabolic PDEs"). Increments within a step are kept apart from the displacement, as a
displacement is from the weights.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, isfinite, sqrt
from typing import Final

import torch

from vaentk.errors import UserError
from vaentk.training.gradient import Gradient, Vector
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Moments
from vaentk.training.state import State, Tick, no_tick

DAMPING: Final = 2 / 13
"""epsilon, which keeps the method stable a little off the real axis."""

SAFETY: Final = 0.9
GROWTH: Final = 5.0
SHRINKAGE: Final = 0.1
"""How a step size follows from the error of the step before: least and largest ratio."""

MARGIN: Final = 1.05
"""Over the estimate of the spectral radius, which comes from below."""

RADIUS_EVERY: Final = 5
"""Steps between two estimates of the spectral radius."""

FIRST_STEP: Final = 0.1
"""Over the spectral radius."""

FIRST_ITERATIONS: Final = 4
"""Power iterations at the start; later, one at a time goes on from the vector that was left."""

PERTURBATION: Final = 1e-4
"""Length of the difference in a power iteration, relative to weights of order 1."""

MOST_STAGES: Final = 250
"""Of a step; rounding grows with their square."""

LEAST_STEP: Final = 1e-12
"""Of the whole time; a smaller one is not tried."""


@dataclass(frozen=True)
class Stages:
    """Coefficients of a step with s stages, by stage: mu, nu, mu-tilde and gamma-tilde."""

    first: float
    """mu-tilde of the first stage."""
    others: tuple[tuple[float, float, float, float], ...]
    """Of stages 2 to s."""


@lru_cache
def coefficients(stages: int) -> Stages:
    """Compute the coefficients of a step with at least two stages.

    With Chebyshev polynomials T_j, ``w_0 = 1 + epsilon/s^2`` and ``w_1 = T_s'(w_0)/T_s''(w_0)``,
    the stability function of stage j is ``a_j + b_j T_j(w_0 + w_1 z)``, z = -h lambda.
    """
    w0 = 1 + DAMPING / stages**2
    t, first, second = [1.0, w0], [0.0, 1.0], [0.0, 0.0]
    for j in range(2, stages + 1):
        t.append(2 * w0 * t[j - 1] - t[j - 2])
        first.append(2 * t[j - 1] + 2 * w0 * first[j - 1] - first[j - 2])
        second.append(4 * first[j - 1] + 2 * w0 * second[j - 1] - second[j - 2])
    w1 = first[stages] / second[stages]
    b = [second[j] / first[j] ** 2 for j in range(2, stages + 1)]
    b = [b[0], b[0], *b]
    a = [1 - b[j] * t[j] for j in range(stages + 1)]
    others = []
    for j in range(2, stages + 1):
        mu_tilde = 2 * b[j] * w1 / b[j - 1]
        others.append((2 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2], mu_tilde, -a[j - 1] * mu_tilde))
    return Stages(b[1] * w1, tuple(others))


def stages_for(stiffness: float) -> int:
    """Return the least number of stages that are stable for ``h lambda_max``."""
    return max(2, ceil(sqrt(1 + 1.54 * stiffness)))


@dataclass
class Control:
    """What the choice of steps depends on, besides the displacement; one for all members."""

    time: float = 0.0
    """Reached, in Eq. 7's units."""
    size: float = 0.0
    """Of the next step, if no moment to observe comes before; 0 before the first."""
    error: float = 0.0
    """Of the last accepted step, over the accuracy; 0 before the first."""
    last_size: float = 0.0
    """Of the last accepted step."""
    radius: float = 0.0
    """Spectral radius of the Hessian, the largest of the members'."""
    steps: float = 0.0
    """Accepted."""
    gradients: float = 0.0
    """Evaluated, of every member."""

    @classmethod
    def of(cls, state: State) -> "Control":
        """Read it from a state."""
        return cls(*state.tensors["control"][0].tolist())

    def write(self, state: State) -> None:
        """Write it to a state, the same for every member."""
        values = torch.tensor([*vars(self).values()], dtype=torch.float64)
        state.tensors["control"].copy_(values)

    def choose(self, size: float, error: float) -> None:
        """Choose the next step from the size and error, over the accuracy, of an accepted one.

        The error is of third order in the step; the trend of the last two errors is continued.
        """
        error, before = max(error, 1e-8), self.error
        ratio = SAFETY / error ** (1 / 3)
        if before and self.last_size:
            trend = size / self.last_size * (before / error) ** (1 / 3)
            ratio = min(ratio, ratio * trend)
        ratio = min(GROWTH, max(SHRINKAGE, ratio))
        self.error, self.last_size = error, size
        # One cut short by a moment to observe does not hold back the next.
        self.size = max(self.size, ratio * size) if ratio >= 1 else ratio * size


class Flow:
    """The flow of some members from a state, whose displacement is moved in place.

    The state holds ``displacement`` and ``power``, the vector of the power iteration, (S, P) with
    all layers in a row, and ``control``, (S, 7) float64.

    Parameters
    ----------
    accuracy
        Error of a step: a layer's error is relative to its displacement, in the Frobenius norm;
        layers count alike, by their root mean square, and the worst member counts.
    """

    def __init__(self, gradient: Gradient, state: State, accuracy: float) -> None:
        self.gradient, self.state, self.accuracy = gradient, state, accuracy
        self.control = Control.of(state)
        self.displacement, self.power = (
            Vector.of(state.tensors[name], gradient.shapes) for name in ("displacement", "power")
        )
        members, size = self.power.flat.shape
        self.slope, self.next_slope, self.new, self.old = (
            Vector.zero(gradient.shapes, members, self.power.flat) for _ in range(4)
        )
        self.length = PERTURBATION * sqrt(size)
        counted = self.control.gradients
        gradient.start_from(self.displacement)
        self._evaluate(self.slope)
        if self.control.steps:  # it was counted before the state was saved
            self.control.gradients = counted

    def advance(self, until: float, whole: float) -> None:
        """Make one step towards a time; ``whole`` is that of the training.

        Raises
        ------
        UserError
            When no step is small enough, or the gradient near by is not finite.
        """
        control = self.control
        if control.steps % RADIUS_EVERY == 0:
            self._estimate_radius()
            if not isfinite(control.radius):
                raise self._lost(whole)
            control.radius = max(control.radius, 1 / whole)  # where the loss is flat
        if not control.size:
            control.size = FIRST_STEP / control.radius
        while True:
            left = until - control.time
            longest = 0.65 * MOST_STAGES**2 / (control.radius * MARGIN)
            size = min(control.size, left, longest)
            error = self._try(size)
            if error <= 1:
                break
            self.gradient.start_from(self.displacement)
            shrunk = SAFETY / error ** (1 / 3) if isfinite(error) else SHRINKAGE
            control.size = size * max(SHRINKAGE, shrunk)
            if control.size < LEAST_STEP * whole:
                raise self._lost(whole)
        self.displacement.flat.add_(self.new.flat)
        self.gradient.start_from(self.displacement)
        self.slope, self.next_slope = self.next_slope, self.slope
        control.choose(size, error)
        control.time = until if size == left else control.time + size
        control.steps += 1
        control.write(self.state)

    def _lost(self, whole: float) -> UserError:
        return UserError(
            f"gradient flow cannot be followed beyond time {self.control.time:.4g} of "
            f"{whole:.4g} (Eq. 7's units): the gradient is not finite or not smooth there"
        )

    def _try(self, size: float) -> float:
        """Make a step into `new`, base point after it; return its error over the accuracy."""
        self._step(size)
        after, estimate = self.old, self.old
        torch.add(self.displacement.flat, self.new.flat, out=after.flat)
        lengths = self.gradient.squared_norms(after)
        self.gradient.start_from(after)
        self._evaluate(self.next_slope)
        torch.add(self.slope.flat, self.next_slope.flat, out=estimate.flat)
        estimate.flat.mul_(-0.4 * size).add_(self.new.flat, alpha=-0.8)
        errors = self.gradient.squared_norms(estimate)
        relative = errors / lengths.clamp(min=torch.finfo(torch.float64).tiny)
        return float(relative.mean(dim=0).max().sqrt()) / self.accuracy

    def _step(self, size: float) -> None:
        """Go through the stages: increments from the displacement, the last of them in `new`."""
        stages = coefficients(stages_for(size * self.control.radius * MARGIN))
        torch.mul(self.slope.flat, -stages.first * size, out=self.new.flat)
        for stage, (mu, nu, mu_tilde, gamma_tilde) in enumerate(stages.others):
            self.gradient.evaluate(self.new)
            self.control.gradients += 1
            # The increment before the first stage is zero.
            self.gradient.add_to_(self.old, -mu_tilde * size, nu if stage else 0.0)
            self.old.flat.add_(self.new.flat, alpha=mu)
            self.old.flat.add_(self.slope.flat, alpha=-gamma_tilde * size)
            self.old, self.new = self.new, self.old

    def _evaluate(self, slope: Vector) -> None:
        """Write the gradient at the base point."""
        self.gradient.evaluate()
        self.control.gradients += 1
        self.gradient.add_to_(slope, 1.0, 0.0)

    def _estimate_radius(self) -> None:
        """Iterate ``v <- H v``, H v by a difference of gradients."""
        first = not self.control.steps
        power = self.power.flat
        if first:
            generator = torch.Generator().manual_seed(0)
            power.copy_(torch.randn(power.shape, generator=generator, dtype=power.dtype))
        for _ in range(FIRST_ITERATIONS if first else 1):
            lengths = torch.linalg.vector_norm(power, dim=1, keepdim=True)
            torch.mul(power, self.length / lengths, out=self.new.flat)
            self.gradient.evaluate(self.new)
            self.control.gradients += 1
            self.gradient.add_to_(self.power, 1.0, 0.0)
            power.sub_(self.slope.flat)
            self.control.radius = float(torch.linalg.vector_norm(power, dim=1).max()) / self.length


def initial_state(gradient: Gradient, members: int) -> State:
    """State at time 0: nothing has moved."""
    like = next(iter(gradient.initial.values()))
    zero = Vector.zero(gradient.shapes, members, like).flat
    control = torch.zeros(members, len(vars(Control())), dtype=torch.float64)
    tensors = {"displacement": zero, "power": zero.clone(), "control": control.to(like.device)}
    return State(0, tensors)


def follow(
    gradient: Gradient,
    moments: Moments,
    recorder: Recorder,
    state: State,
    tick: Tick = no_tick,
) -> State:
    """Follow the flow of every member and observe it at the given times, which are hit exactly.

    The state is changed in place, and its ``step`` is the number of the last moment passed; the
    result is that of an uninterrupted run, to the bit on a CPU. The tick is called after every
    step. Records have, besides what a recorder sees, the numbers of gradients and of steps so far,
    and the spectral radius of the Hessian as it was estimated last.

    Raises
    ------
    UserError
        When no step is small enough, the gradient near by is not finite, or a loss has risen a
        thousandfold.
    """
    flow = Flow(gradient, state, moments.accuracy)
    while True:
        control = flow.control
        if not state.observed:
            recorder.record(
                state,
                gradient,
                control.time,
                gradients=int(control.gradients),
                flow_steps=int(control.steps),
                radius=control.radius,
            )
        if state.step == moments.steps:
            return state
        until = moments.times[state.step + 1]
        flow.advance(until, moments.times[-1])
        state.step += int(control.time == until)
        tick(state)
