"""Figure 2's shortcuts on real digits: flow for literal steps, and displacements in float32.

The network is section 5's on 7x7 digits, with beta = 0.01 and sigma0 = 0.5 as in the workflow.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.models.forward import Weights
from vaentk.models.mlp_vae import MlpVae
from vaentk.training import descent, flow, vae_gradient
from vaentk.training.gradient import GeneralGradient
from vaentk.training.objectives import Objective
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import (
    Descent,
    Moments,
    Schedule,
    eq7_learning_rate,
    literal,
    moments,
    refuse_unstable,
)
from vaentk.training.stability import stability_limit
from vaentk.training.state import Record
from vaentk.training.vae_gradient import TanhVaeGradient

Digits = Callable[[int, int], NDArray[np.float64]]
BETA, SIGMA0 = 0.01, 0.5
PAPER_RATE = eq7_learning_rate(1.0, 49, "mean")
LAYERS = ("enc", "hid", "mu", "sigma", "dec")


def figure_2(
    x: NDArray[np.float64], width: int, dtype: torch.dtype
) -> tuple[MlpVae, Objective, Weights]:
    """Build one member; the quadrature's 1e-6 is far below the percent that is tested."""
    inputs = torch.from_numpy(x).to(dtype)
    tanh = ACTIVATIONS["tanh"]
    model = MlpVae(inputs, width, SIGMA0, tanh, Smoothing(tanh, SIGMA0, 1e-6))
    initial = model.initial_weights((0,))
    return model, Objective(inputs, BETA, model.forward(initial)), initial


def trained(
    x: NDArray[np.float64], width: int, dtype: torch.dtype, schedule: Schedule
) -> tuple[list[Record], Weights]:
    """Train one member; its records, and its displacement at the end."""
    model, objective, initial = figure_2(x, width, dtype)
    fits = vae_gradient.fits(model, objective)
    gradient = (TanhVaeGradient if fits else GeneralGradient)(model, objective, initial)
    recorder = Recorder(gradient.initial, (0,))
    if isinstance(schedule, Descent):
        state = descent.initial_state(gradient, 1)
        descent.descend(gradient, schedule, recorder, state)
    else:
        state = flow.initial_state(gradient, 1)
        flow.follow(gradient, schedule, recorder, state)
    return state.records, gradient.observe().displacement


def test_literal_steps_end_where_the_flow_ends(digits: Digits) -> None:
    """Steps of the paper's learning rate, 4,096 of its 131,072: T = 167, against the flow.

    Ten digits and width 16, float64. At T/64 and every octave on the change of every layer and the
    loss agree within 1%: literal steps err to first order, and the flow by 2e-3 a step.
    """
    x = digits(10, 7)
    printed = literal(PAPER_RATE, 2**12)
    model, _, initial = figure_2(x, 16, torch.float64)
    refuse_unstable(printed, stability_limit(model, initial, BETA), "width 16")
    runs = []
    for schedule in (printed, moments(printed.time(2**12), 2e-3)):
        records, _ = trained(x, 16, torch.float64, schedule)
        runs.append({record["time"]: record for record in records})
    assert len(runs[1]) == 8
    for time, followed in runs[1].items():
        stepped = runs[0][time]
        for layer in LAYERS:
            change = f"change_{layer}"
            assert followed[change] == pytest.approx(stepped[change], rel=0.01), (time, layer)
        assert followed["loss"] == pytest.approx(stepped["loss"], rel=0.01), time
    assert runs[1][printed.time(2**12)]["gradients"] < 2**12 / 4


def error(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


def test_a_flow_in_float32_is_that_in_float64(digits: Digits) -> None:
    """A whole flow, to T = 334 at width 256: every layer's displacement within 1%.

    As a vector, and its norm at every moment. Both flows take their own steps, of accuracy 1e-3.
    """
    x = digits(10, 7)
    schedule = moments(PAPER_RATE * 2**13, 1e-3)
    doubles, exact = trained(x, 256, torch.float64, schedule)
    singles, ours = trained(x, 256, torch.float32, schedule)
    for layer in LAYERS:
        assert error(ours[layer], exact[layer]) < 0.01, layer
        for single, double in zip(singles, doubles, strict=True):
            change = f"change_{layer}"
            assert single[change] == pytest.approx(double[change], rel=0.01), layer


def naive_descent(x: NDArray[np.float64], width: int, steps: int) -> Weights:
    """``W -= lr grad`` in float32 weights; the displacement is W - W(0)."""
    model, objective, initial = figure_2(x, width, torch.float32)
    weights = {name: weight.clone() for name, weight in initial.items()}
    for _ in range(steps):
        forward = model.forward(weights)
        gradients = model.gradients(weights, forward, objective.cotangent(forward))
        for name, gradient in gradients.items():
            weights[name] -= PAPER_RATE * gradient.dense()
    return {name: weights[name] - initial[name] for name in weights}


def test_float32_displacement_is_right_where_the_naive_one_is_not(digits: Digits) -> None:
    """1,024 literal steps in float32 against float64: every layer's displacement within 1%.

    The naive update must be worse in every layer, and wrong by more than 1% in W_sigma, whose steps
    are the smallest.
    """
    x, width, steps = digits(10, 7), 256, 1024
    schedule = Descent(PAPER_RATE, steps, (0, steps))
    _, exact = trained(x, width, torch.float64, schedule)
    _, ours = trained(x, width, torch.float32, schedule)
    naive = naive_descent(x, width, steps)
    for layer in LAYERS:
        assert error(ours[layer], exact[layer]) < 0.01, layer
        assert error(ours[layer], exact[layer]) < error(naive[layer], exact[layer]), layer
    assert error(naive["sigma"], exact["sigma"]) > 0.01


def test_a_flow_is_followed_as_far_as_its_accuracy_goes(digits: Digits) -> None:
    """At Figure 2's accuracy against one a hundred times finer: layers within twice that."""
    x = digits(10, 7)
    times = (0.0, PAPER_RATE * 2**9)
    _, exact = trained(x, 64, torch.float64, Moments(times, 2e-5))
    _, found = trained(x, 64, torch.float64, Moments(times, 2e-3))
    for layer in LAYERS:
        assert error(found[layer], exact[layer]) < 4e-3, layer
