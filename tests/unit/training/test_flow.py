"""Gradient flow against exact solutions, and what its steps promise: accuracy, stability, bytes."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np
import pytest
import torch
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.errors import UserError
from vaentk.kernels.flow import gradient_flow, residuals
from vaentk.models.forward import Weights
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training import descent, vae_gradient
from vaentk.training.flow import (
    MARGIN,
    MOST_STAGES,
    Control,
    Flow,
    coefficients,
    follow,
    initial_state,
    stages_for,
)
from vaentk.training.gradient import (
    GeneralGradient,
    Gradient,
    Observation,
    Shapes,
    Vector,
    squared_norm,
)
from vaentk.training.objectives import Objective, ObjectiveValue
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Descent, Moments, moments
from vaentk.training.state import State
from vaentk.training.vae_gradient import TanhVaeGradient

# Problems whose flow is known


@dataclass
class Known:
    """Weights of one member that start at 1, and a gradient by the displacement, (S, P)."""

    shapes: Shapes
    slope: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor], Tensor] = lambda flat: flat[:, 0] * 0 + 1

    def __post_init__(self) -> None:
        like = torch.zeros(1, dtype=torch.float64)
        self.initial: Weights = Vector.zero(self.shapes, 1, like).layers
        for weight in self.initial.values():
            weight.fill_(1)
        self.base = self.point = torch.zeros(1, 1)

    def start_from(self, displacement: Vector) -> None:
        self.base = displacement.flat

    def evaluate(self, increment: Vector | None = None, step: int = 0) -> None:
        self.point = self.base if increment is None else self.base + increment.flat

    def add_to_(self, vector: Vector, scale: float, keep: float = 1.0) -> None:
        kept = keep * vector.flat if keep else 0
        vector.flat.copy_(kept + scale * self.slope(self.point))

    def squared_norms(self, vector: Vector) -> Tensor:
        return torch.stack([squared_norm(layer) for layer in vector.layers.values()])

    def observe(self, step: int = 0) -> Observation:
        loss = self.loss(self.base)
        displacement = Vector.of(self.base, self.shapes).layers
        weights = {k: self.initial[k] + v for k, v in displacement.items()}
        value = ObjectiveValue(loss, torch.zeros_like(loss), loss)
        return Observation(value, torch.zeros_like(loss), weights, displacement)


STIFF = torch.logspace(-3, 3, 25, dtype=torch.float64)
GOAL = torch.cos(torch.arange(25, dtype=torch.float64)) + 2


def quadratic(
    eigenvalues: Tensor, goal: Tensor, shapes: dict[str, tuple[int, ...]] | None = None
) -> Known:
    """``1/2 sum_i eigenvalue_i (delta_i - goal_i)^2``."""
    return Known(
        shapes or {"all": (1, len(eigenvalues))},
        lambda flat: eigenvalues * (flat - goal),
        lambda flat: (eigenvalues * (flat - goal).square()).sum(dim=1) / 2,
    )


def exact(eigenvalues: Tensor, goal: Tensor, time: float) -> Tensor:
    """Displacement of that at a time."""
    return -torch.expm1(-eigenvalues * time) * goal


def recorder(gradient: Gradient, seeds: tuple[int, ...] = (0,)) -> Recorder:
    return Recorder(gradient.initial, seeds)


def run(gradient: Gradient, schedule: Moments, seeds: tuple[int, ...] = (0,)) -> State:
    state = initial_state(gradient, len(seeds))
    return follow(gradient, schedule, recorder(gradient, seeds), state)


def relative(got: Tensor, want: Tensor) -> float:
    return float((got.double() - want.double()).norm() / want.double().norm())


# The method


def stability(stages: int, z: np.ndarray) -> np.ndarray:
    """Go through a step's stages for ``dy/dt = z y``, y(0) = 1, h = 1, by increments of y."""
    of = coefficients(stages)
    old, new = np.zeros_like(z), of.first * z
    for mu, nu, mu_tilde, gamma_tilde in of.others:
        # The method's 1 - mu - nu times y(0) is no part of an increment.
        old, new = new, mu * new + nu * old + mu_tilde * z * (1 + new) + gamma_tilde * z
    return 1 + new


@pytest.mark.parametrize("stages", [3, 5, 10, 40, MOST_STAGES])
def test_a_step_is_of_second_order(stages: int) -> None:
    """``P_s(z) = 1 + z + z^2/2 + O(z^3)``: halving z leaves an eighth of the gap.

    The gap's coefficient is between 0 and 1/6. At z = 1e-2 the next order changes the ratio by a
    few percent; rounding is 1e-16 s^2 = 6e-12 at most, of a gap of 1e-8.
    """
    z = np.array([0.01, 0.005])
    gap = stability(stages, z) - (1 + z + z**2 / 2)
    assert np.all((gap > 0) & (gap < z**3 / 6))
    assert gap[0] / gap[1] == pytest.approx(8, rel=0.05)


def test_two_stages_have_no_term_of_third_order() -> None:
    z = np.linspace(-2, 0, 9)
    assert np.allclose(stability(2, z), 1 + z + z**2 / 2, rtol=1e-13)


@pytest.mark.parametrize("stages", [2, 3, 4, 7, 10, 40, 101, MOST_STAGES])
def test_a_step_is_stable_on_its_whole_interval(stages: int) -> None:
    """``|P_s(z)| <= 1`` for -z up to where `stages_for` takes one stage more, and 0.65 s^2 - 1.

    In between |P_s| stays below 1 - epsilon/3 = 0.95, as damping promises, wherever the first mode
    has decayed; 1e-9 is rounding.
    """
    longest = (stages**2 - 1) / 1.54
    assert stages_for(longest * (1 - 1e-12)) == stages
    assert stages_for(longest * (1 + 1e-9)) == stages + 1
    z = -np.linspace(0, longest, 20_001)
    values = stability(stages, z)
    assert np.abs(values).max() <= 1 + 1e-9
    assert np.abs(values[z < -3]).max(initial=0) < 0.96
    assert longest == pytest.approx(0.65 * (stages**2 - 1), rel=2e-3)


def test_two_stages_are_the_least() -> None:
    assert [stages_for(h) for h in (0.0, 1e-9, 1.9, 2.0)] == [2, 2, 2, 3]


def fixed_steps(gradient: Known, duration: float, steps: int, radius: float) -> Tensor:
    """Take equal steps, however large their errors."""
    state = initial_state(gradient, 1)
    flow = Flow(gradient, state, 1e-3)
    flow.control.radius = radius
    for _ in range(steps):
        flow._step(duration / steps)
        flow.displacement.flat.add_(flow.new.flat)
        gradient.start_from(flow.displacement)
        flow._evaluate(flow.slope)
    return state.tensors["displacement"][0]


def test_halved_steps_leave_a_quarter_of_the_error_on_a_stiff_problem() -> None:
    """Eigenvalues to 1e3 and steps to 0.2: h lambda = 200, a hundred times descent's limit.

    The goal of a mode falls as 1/lambda, as what is smooth has it: then the modes with
    h lambda < 1 make the error. The ratio is 4 to the next order, a fifth here.
    """
    goal = GOAL * torch.exp(-STIFF)
    gradient = quadratic(STIFF, goal)
    want = exact(STIFF, goal, 2.0)
    errors = [relative(fixed_steps(gradient, 2.0, n, 1e3), want) for n in (10, 20, 40, 80)]
    assert errors[-1] < 1e-4
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(4, rel=0.2), errors


def test_halved_steps_leave_a_quarter_of_the_error_on_a_curved_problem() -> None:
    """``dw/dt = -w^3`` from w = 1, by few stages and by many: w(t) = (1 + 2 t)^(-1/2)."""
    gradient = Known({"all": (1, 2)}, lambda flat: (1 + flat) ** 3)
    want = torch.full((2,), 5**-0.5 - 1, dtype=torch.float64)
    for radius in (3.0, 300.0):
        errors = [relative(fixed_steps(gradient, 2.0, n, radius), want) for n in (16, 32, 64)]
        for coarse, fine in pairwise(errors):
            assert coarse / fine == pytest.approx(4, rel=0.2), errors


# Control


def test_the_error_falls_with_the_accuracy_on_a_stiff_problem() -> None:
    """At seven times through six decades: within 3 times the accuracy at accuracy 1e-3.

    The error of a step is of third order and that of the whole of second, so an accuracy of an
    eighth, which doubles the steps, leaves about a quarter of the error.
    """
    gradient = quadratic(STIFF, GOAL)
    times = (0.0, *(10.0**k for k in range(-4, 3)))
    errors, steps = [], []
    for accuracy in (1e-3, 1e-3 / 8, 1e-3 / 64):
        state, largest = initial_state(gradient, 1), 0.0
        for last in range(1, len(times)):
            schedule = Moments(times[: last + 1], accuracy)
            follow(gradient, schedule, recorder(gradient), state)
            want = exact(STIFF, GOAL, times[last])
            largest = max(largest, relative(state.tensors["displacement"][0], want))
        errors.append(largest)
        steps.append(state.records[-1]["flow_steps"])
    assert errors[0] < 3e-3
    for coarse, fine in pairwise(errors):
        assert 2.5 < coarse / fine < 8, errors
    for few, many in pairwise(steps):
        assert 1.5 < many / few < 2.5, steps


def test_a_stiff_flow_takes_far_fewer_gradients_than_descent() -> None:
    """To time 100 with lambda_max = 1e3: descent's limit of 2/1e3 takes 50,000 steps."""
    state = run(quadratic(STIFF, GOAL), Moments((0.0, 100.0), 1e-3))
    assert state.records[-1]["gradients"] < 3000


def test_a_layer_that_moves_little_is_as_accurate_as_the_others() -> None:
    """A still slow layer of size 1 beside a stiff one of 1e-4: an absolute error would not see it.

    And the unit of a layer does not matter at all, but for rounding.
    """
    shapes: Shapes = {"large": (1, 5), "small": (1, 25)}
    eigenvalues = torch.cat([torch.full((5,), 1e-2, dtype=torch.float64), STIFF])
    found = {}
    for size in (1.0, 1e-4):
        goal = torch.cat([GOAL[:5], size * GOAL])
        state = run(quadratic(eigenvalues, goal, shapes), Moments((0.0, 0.01, 1.0), 1e-3))
        layers = Vector.of(state.tensors["displacement"], shapes).layers
        want = Vector.of(exact(eigenvalues, goal, 1.0)[None], shapes).layers
        assert relative(layers["small"], want["small"]) < 2e-3
        assert relative(layers["large"], want["large"]) < 2e-3
        found[size] = layers["small"] / size
    assert relative(found[1e-4], found[1.0]) < 1e-8


def test_moments_are_hit_exactly() -> None:
    schedule = Moments((0.0, 1e-3, 0.1, 0.1 + 1e-9, 1 / 3, 7.0), 1e-3)
    state = run(quadratic(STIFF, GOAL), schedule)
    assert [record["time"] for record in state.records] == list(schedule.times)
    assert [record["step"] for record in state.records] == list(range(6))
    assert state.step == schedule.steps == 5
    for name in ("gradients", "flow_steps"):
        counts = [record[name] for record in state.records]
        assert all(a < b for a, b in pairwise(counts)), name
    assert state.records[0]["gradients"] == 1


def test_every_gradient_is_counted() -> None:
    gradient, counted = quadratic(STIFF, GOAL), []
    slope = gradient.slope

    def seen(flat: Tensor) -> Tensor:
        counted.append(1)
        return slope(flat)

    gradient.slope = seen
    state = run(gradient, Moments((0.0, 0.3), 1e-3))
    assert state.records[-1]["gradients"] == len(counted)


def test_a_tick_comes_after_every_step() -> None:
    gradient, seen = quadratic(STIFF, GOAL), []
    state = initial_state(gradient, 1)

    def tick(state: State) -> None:
        seen.append((Control.of(state), state.step, len(state.records)))

    schedule = Moments((0.0, 0.1, 0.2), 1e-3)
    follow(gradient, schedule, recorder(gradient), state, tick)
    assert [control.steps for control, _, _ in seen] == list(range(1, len(seen) + 1))
    assert all(a.time < b.time for (a, _, _), (b, _, _) in pairwise(seen))
    # A moment is recorded by the loop after the step that reached it.
    assert [records for _, _, records in seen] == [
        1 + (control.time > 0.1) for control, _, _ in seen
    ]
    assert {step for control, step, _ in seen if control.time < 0.1} == {0}


def test_no_time_observes_the_start() -> None:
    state = run(quadratic(STIFF, GOAL), Moments((0.0,), 1e-3))
    assert len(state.records) == 1
    assert state.records[0]["step"] == state.records[0]["time"] == 0


# Where there is no flow to follow


@pytest.mark.parametrize(
    ("slope", "time"),
    [
        # (1 - delta)^(3/2) = 1 - 3 t/2 ends at time 2/3, with an infinite slope.
        (lambda flat: -1 / (1 - flat).sqrt(), "0.66"),
        # delta = 2 (1 - exp(-t)) is 1 at time log 2, with a slope of 1.
        (lambda flat: torch.where(flat < 1, flat - 2, float("nan")), "0.69"),
    ],
)
def test_a_gradient_that_becomes_nan_is_refused_in_one_sentence(
    slope: Callable[[Tensor], Tensor], time: str
) -> None:
    with pytest.raises(UserError) as caught:
        run(Known({"all": (1, 2)}, slope), Moments((0.0, 5.0), 1e-3))
    message = str(caught.value)
    assert message.startswith(f"gradient flow cannot be followed beyond time {time}")
    assert "of 5 (Eq. 7's units): the gradient is not finite" in message
    assert "\n" not in message


def test_a_loss_that_rises_is_refused_in_one_sentence() -> None:
    gradient = quadratic(STIFF[:5], GOAL[:5])
    gradient.loss = lambda flat: flat.sum(dim=1).exp()
    with pytest.raises(UserError) as caught:
        run(gradient, Moments((0.0, 1.0, 1e4), 1e-3))
    message = str(caught.value)
    assert message.startswith("training diverged by time 1e+04 (Eq. 7's units): the loss of seed 0")
    assert "\n" not in message


# Networks


def inputs(dtype: torch.dtype, dimension: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((10, dimension), generator=generator, dtype=torch.float64)
    return (x / x.norm(dim=1, keepdim=True)).to(dtype)


def figure_2(dtype: torch.dtype, seeds: tuple[int, ...], dimension: int = 6) -> Gradient:
    """Figure 2's network on Eq. 4: TanhVaeGradient in float32, GeneralGradient in float64."""
    tanh = ACTIVATIONS["tanh"]
    model = MlpVae(inputs(dtype, dimension), 12, 0.5, tanh, Smoothing(tanh, 0.6, 1e-9))
    initial = model.initial_weights(seeds)
    objective = Objective(model.x, 0.05, model.forward(initial))
    fits = vae_gradient.fits(model, objective)
    return (TanhVaeGradient if fits else GeneralGradient)(model, objective, initial)


def eq_2(seeds: tuple[int, ...], trained: tuple[str, ...] = ("mu", "sigma", "d")) -> Gradient:
    smoothing = Smoothing(ACTIVATIONS["erf"], 0.6)
    model = StochasticNetwork(inputs(torch.float64), 16, 0.5, smoothing, trained)
    return GeneralGradient(model, Objective(model.x), model.initial_weights(seeds))


def test_a_network_that_is_linear_in_what_is_trained_follows_its_kernel() -> None:
    """W_d alone: ``f(t) = X + exp(-H H^T t/(m n)) (f(0) - X)``, H = E phi(z), at all moments.

    From 1/1000 of the slowest mode's time to twice it. Outputs are within 3e-5 of |f(0) - X|, an
    accuracy of 1e-5 of the displacement.
    """
    gradient = eq_2((3,), ("d",))
    assert isinstance(gradient, GeneralGradient)
    model = gradient.model
    assert isinstance(model, StochasticNetwork)
    start = model.forward(gradient.initial)
    values = start.value[0].numpy()
    kernel = values @ values.T / model.width
    schedule = moments(20 / float(np.linalg.eigvalsh(kernel)[0]), 1e-5, per_octave=1)
    state = initial_state(gradient, 1)
    follow(gradient, schedule, Recorder(gradient.initial, (3,), keep=model), state)
    x = model.x.numpy()
    residual = start.outputs[0].numpy() - x
    predicted = residuals(kernel, residual, gradient_flow(schedule.times, len(x)))
    for moment, expected in enumerate(predicted):
        got = state.tensors[f"outputs/{moment}"][0].numpy() - x
        assert np.linalg.norm(got - expected) < 3e-5 * np.linalg.norm(residual)


def test_small_steps_of_literal_descent_end_where_the_flow_ends() -> None:
    """Descent errs to first order: half the step, half the distance, within 5%."""
    flow = run(figure_2(torch.float64, (0,)), Moments((0.0, 8.0), 1e-6))
    gaps = []
    for steps in (200, 400):
        gradient = figure_2(torch.float64, (0,))
        state = descent.initial_state(gradient, 1)
        schedule = Descent(8.0 / steps, steps, (0, steps))
        descent.descend(gradient, schedule, recorder(gradient), state)
        gaps.append(relative(state.tensors["displacement"], flow.tensors["displacement"]))
    assert gaps[0] < 0.02
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.05)


def dense_radius(gradient: Gradient, displacement: Tensor) -> float:
    """Largest eigenvalue of the Hessian, whose columns are central differences of gradients."""
    base = Vector.of(displacement, gradient.shapes)
    gradient.start_from(base)
    step, slope = (Vector.zero(gradient.shapes, 1, displacement) for _ in range(2))
    columns = []
    for place in range(displacement.shape[1]):
        column = torch.zeros_like(slope.flat[0])
        for sign in (1, -1):
            step.flat.zero_()
            step.flat[0, place] = sign * 1e-5
            gradient.evaluate(step)
            gradient.add_to_(slope, sign / 2e-5, 0.0)
            column += slope.flat[0]
        columns.append(column)
    hessian = torch.stack(columns)
    return float(torch.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])


@pytest.mark.parametrize("build", [lambda: figure_2(torch.float64, (0,), 3), lambda: eq_2((0,))])
def test_the_spectral_radius_is_that_of_the_dense_hessian(build: Callable[[], Gradient]) -> None:
    """From below: by less than `MARGIN` at the end, by 1.3 at the start, of short steps."""
    gradient = build()
    state, seen = initial_state(gradient, 1), []

    def tick(state: State) -> None:
        # The first step's estimate is of the start.
        if Control.of(state).steps == 1:
            seen.append(Control.of(state).radius)

    follow(gradient, Moments((0.0, 5.0), 1e-4), recorder(gradient), state, tick)
    last = Control.of(state).radius
    for found, displacement, margin in (
        (seen[0], torch.zeros_like(state.tensors["displacement"]), 1.3),
        (last, state.tensors["displacement"], MARGIN),
    ):
        want = dense_radius(gradient, displacement)
        assert want / margin < found < 1.01 * want


@pytest.mark.parametrize("accuracy", [1e-3, 1e-5])
def test_members_side_by_side_end_where_each_alone_ends(accuracy: float) -> None:
    """One choice of steps for all: within 3 times the accuracy, in every layer."""
    seeds = (3, 11)
    schedule = Moments((0.0, 1.0, 8.0), accuracy)
    together = figure_2(torch.float64, seeds)
    displacement = run(together, schedule, seeds).tensors["displacement"]
    layers = Vector.of(displacement, together.shapes).layers
    for place, seed in enumerate(seeds):
        alone = run(figure_2(torch.float64, (seed,)), schedule, (seed,)).tensors["displacement"]
        for name, layer in Vector.of(alone, together.shapes).layers.items():
            assert relative(layers[name][place], layer[0]) < 3 * accuracy, name


@pytest.mark.parametrize(
    ("dtype", "dimension", "kind"),
    [
        (torch.float64, 6, GeneralGradient),
        (torch.float32, 6, TanhVaeGradient),  # 10 samples: by the dual from 6 inputs on
        (torch.float32, 5, TanhVaeGradient),
    ],
)
def test_taken_up_after_any_step_a_run_gives_the_same_bytes(
    dtype: torch.dtype, dimension: int, kind: type
) -> None:
    seeds, schedule = (0, 1), Moments((0.0, 0.05, 1.0, 8.0), 1e-3)

    def begin() -> tuple[Gradient, Recorder]:
        gradient = figure_2(dtype, seeds, dimension)
        assert isinstance(gradient, kind)
        keep = gradient.model if isinstance(gradient, GeneralGradient) else None
        return gradient, Recorder(gradient.initial, seeds, keep=keep)

    saved: list[State] = []
    gradient, records = begin()
    if isinstance(gradient, TanhVaeGradient):
        dual = prod(gradient.shapes["enc"]) == 10 * 12
        assert dual == (dimension == 6)
    state = initial_state(gradient, 2)
    whole = follow(gradient, schedule, records, state, lambda state: saved.append(deepcopy(state)))
    assert len(saved) > 10
    for state in saved:
        gradient, records = begin()
        resumed = follow(gradient, schedule, records, deepcopy(state))
        assert resumed.step == whole.step
        assert resumed.records == whole.records
        assert resumed.tensors.keys() == whole.tensors.keys()
        for name, tensor in whole.tensors.items():
            assert torch.equal(resumed.tensors[name], tensor), name


def test_single_precision_ends_where_double_precision_ends() -> None:
    """Every recorded number to twice the accuracy of a step, 1e-5, and rounding."""
    schedule, seeds = Moments((0.0, 1.0, 8.0, 64.0), 1e-5), (3, 8)
    runs = [
        run(figure_2(dtype, seeds), schedule, seeds) for dtype in (torch.float32, torch.float64)
    ]
    for single, double in zip(runs[0].records, runs[1].records, strict=True):
        assert list(single) == list(double)
        counts = ("gradients", "flow_steps", "radius")
        single, double = ({k: r[k] for k in r if k not in counts} for r in (single, double))
        assert single == pytest.approx(double, rel=1e-4, abs=1e-7)
