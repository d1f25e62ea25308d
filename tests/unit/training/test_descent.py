"""Literal descent against plain loops: updates, members side by side, resume."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.errors import UserError
from vaentk.models.forward import Weights
from vaentk.models.initial import standard_normal
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training import vae_gradient
from vaentk.training.descent import CHECK_EVERY, descend, initial_state
from vaentk.training.gradient import GeneralGradient, Gradient, Vector
from vaentk.training.objectives import Objective
from vaentk.training.recorder import Recorder
from vaentk.training.schedule import Descent
from vaentk.training.state import State, Tick, no_tick
from vaentk.training.vae_gradient import TanhVaeGradient

Network = MlpVae | StochasticNetwork


def inputs(dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((10, 6), generator=generator, dtype=torch.float64)
    return (x / x.norm(dim=1, keepdim=True)).to(dtype)


def mlp(width: int = 24, dtype: torch.dtype = torch.float64) -> MlpVae:
    tanh = ACTIVATIONS["tanh"]
    return MlpVae(inputs(dtype), width, 0.5, tanh, Smoothing(tanh, 0.6, 1e-9))


def snn(width: int = 24) -> StochasticNetwork:
    return StochasticNetwork(inputs(), width, 0.5, Smoothing(ACTIVATIONS["erf"], 0.6))


def gradient_of(model: Network, seeds: tuple[int, ...], beta: float = 0.0) -> Gradient:
    initial = model.initial_weights(seeds)
    objective = Objective(model.x, beta, model.forward(initial) if beta else None)
    if isinstance(model, MlpVae) and vae_gradient.fits(model, objective):
        return TanhVaeGradient(model, objective, initial)
    return GeneralGradient(model, objective, initial)


def run(
    model: Network,
    seeds: tuple[int, ...],
    beta: float = 0.0,
    schedule: Descent | None = None,
    state: State | None = None,
    tick: Tick = no_tick,
) -> State:
    gradient = gradient_of(model, seeds, beta)
    recorder = Recorder(gradient.initial, seeds, keep=model)
    state = state or initial_state(gradient, len(seeds))
    return descend(gradient, schedule or SCHEDULE, recorder, state, tick)


def displacement(state: State, gradient: Gradient) -> Weights:
    return Vector.of(state.tensors["displacement"], gradient.shapes).layers


SCHEDULE = Descent(0.2, 96, (0, 1, 2, 3, 6, 12, 24, 48, 96))


# Initial weights


def test_initial_weights_agree_in_both_precisions() -> None:
    """float32 weights are the float64 weights, rounded."""
    single, double = mlp(dtype=torch.float32), mlp()
    for name, weight in single.initial_weights((0, 5)).items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, double.initial_weights((0, 5))[name].float())


def test_a_member_starts_the_same_alone_and_beside_others() -> None:
    together = mlp().initial_weights((3, 1, 8))
    for position, seed in enumerate((3, 1, 8)):
        alone = mlp().initial_weights((seed,))
        for name, weight in alone.items():
            assert torch.equal(weight[0], together[name][position])


def test_layers_and_seeds_have_streams_of_their_own() -> None:
    """Normal draws, N = 40,000 each: mean, variance and all correlations within 4.5 errors."""
    draws = torch.stack(
        [
            standard_normal((40_000,), (seed,), stream, torch.float64)[0]
            for seed in (0, 1)
            for stream in (0, 1, 2)
        ]
    )
    assert float(draws.mean(dim=1).abs().max()) < 4.5 / 200
    assert float((draws.var(dim=1) - 1).abs().max()) < 4.5 * 2**0.5 / 200
    correlation = torch.corrcoef(draws) - torch.eye(6, dtype=torch.float64)
    assert float(correlation.abs().max()) < 4.5 / 200


def test_drawing_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    mlp().initial_weights((0,))
    assert torch.equal(before, torch.get_rng_state())


# The update


@pytest.mark.parametrize("beta", [0.0, 0.5])
@pytest.mark.parametrize("build", [mlp, snn])
def test_descent_is_the_plain_loop(build: Callable[[], Network], beta: float) -> None:
    """``W -= lr dL/dW`` in float64, 96 steps: displacements agree to 1e-11, relative."""
    model = build()
    gradient = gradient_of(model, (1, 2), beta)
    assert isinstance(gradient, GeneralGradient)
    initial = deepcopy(gradient.initial)
    weights = deepcopy(initial)
    for _ in range(SCHEDULE.steps):
        forward = model.forward(weights)
        cotangent = gradient.objective.cotangent(forward)
        gradients = model.gradients(weights, forward, cotangent)
        weights = {name: weights[name] - 0.2 * gradients[name].dense() for name in weights}
    recorder = Recorder(gradient.initial, (1, 2))
    done = descend(gradient, SCHEDULE, recorder, initial_state(gradient, 2))
    for name, found in displacement(done, gradient).items():
        assert torch.equal(initial[name], gradient.initial[name])
        expected = weights[name] - initial[name]
        assert float((found - expected).norm() / expected.norm()) < 1e-11, name


def test_records_are_of_the_schedules_steps() -> None:
    done = run(mlp(), (4, 7), 0.5)
    assert done.step == 96
    found = [(r["seed"], r["step"], r["time"], r["gradients"]) for r in done.records]
    expected = [(s, k, SCHEDULE.time(k), k) for k in SCHEDULE.record for s in (4, 7)]
    assert found == expected
    assert tuple(map(int, done.part("outputs"))) == SCHEDULE.record


def test_tick_is_called_after_every_update() -> None:
    seen: list[tuple[int, int, float]] = []

    def tick(state: State) -> None:
        seen.append((state.step, len(state.records), float(state.tensors["displacement"].norm())))

    run(snn(), (0,), tick=tick)
    assert [step for step, _, _ in seen] == list(range(1, 97))
    # A step is recorded by the iteration after the update that reached it.
    assert [count for _, count, _ in seen] == [
        sum(recorded < step for recorded in SCHEDULE.record) for step in range(1, 97)
    ]
    assert len({norm for _, _, norm in seen}) == 96


# Members and resume


@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_members_side_by_side_end_where_each_alone_ends(beta: float) -> None:
    """float64: batched matrix products may sum in another order, so to 1e-11 of the change."""
    model, seeds = mlp(), (3, 11)
    gradient = gradient_of(model, seeds, beta)
    together = run(model, seeds, beta)
    for position, seed in enumerate(seeds):
        alone = run(model, (seed,), beta)
        for name, expected in displacement(alone, gradient).items():
            gap = (displacement(together, gradient)[name][position] - expected[0]).norm()
            assert float(gap / expected.norm()) < 1e-11, name
        rows = [record for record in together.records if record["seed"] == seed]
        assert len(rows) == len(alone.records)
        for ours, theirs in zip(rows, alone.records, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("interrupted", [1, 37, 48, 95, 96])
def test_resume_equals_an_uninterrupted_run_to_the_bit(
    dtype: torch.dtype, interrupted: int
) -> None:
    """At odd, recorded, last-but-one and last steps; state, records and outputs are equal."""
    seeds = (0, 1)
    saved: list[State] = []

    def tick(state: State) -> None:
        if state.step == interrupted:
            saved.append(deepcopy(state))

    whole = run(mlp(dtype=dtype), seeds, 0.01, tick=tick)
    assert saved[0].step == interrupted
    resumed = run(mlp(dtype=dtype), seeds, 0.01, state=saved[0])
    assert resumed.step == whole.step
    assert resumed.records == whole.records
    assert list(resumed.tensors) == list(whole.tensors)
    for name, tensor in whole.tensors.items():
        assert torch.equal(resumed.tensors[name], tensor), name


def test_resumed_run_still_knows_where_its_loss_began() -> None:
    """Divergence is a thousandfold rise over step 0, not over the step it was resumed at."""
    done = run(snn(), (0,), schedule=Descent(0.1, 3, (0, 3)))
    done.records[0]["loss"] *= 1e-6
    with pytest.raises(UserError, match=f"diverged by time {0.1 * CHECK_EVERY:.4g} "):
        run(snn(), (0,), schedule=Descent(0.1, 200, (0, 200)), state=done)


def test_a_run_is_repeatable_to_the_bit() -> None:
    runs = [run(mlp(dtype=torch.float32), (0,), 0.01) for _ in range(2)]
    assert runs[0].records == runs[1].records
    assert torch.equal(*(done.tensors["displacement"] for done in runs))
