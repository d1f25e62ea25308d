"""The trainer against plain loops: updates, records, members side by side, resume."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.errors import UserError
from vaentk.models.forward import Model, Weights
from vaentk.models.gradient import LayerGradient
from vaentk.models.initial import standard_normal
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training.descent import descend
from vaentk.training.objectives import Objective
from vaentk.training.schedule import Schedule
from vaentk.training.state import State


def inputs(dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((10, 6), generator=generator, dtype=torch.float64)
    return (x / x.norm(dim=1, keepdim=True)).to(dtype)


def mlp(width: int = 24, dtype: torch.dtype = torch.float64) -> MlpVae:
    tanh = ACTIVATIONS["tanh"]
    return MlpVae(inputs(dtype), width, 0.5, tanh, Smoothing(tanh, 0.6, 1e-9))


def snn(width: int = 24) -> StochasticNetwork:
    return StochasticNetwork(inputs(), width, 0.5, Smoothing(ACTIVATIONS["erf"], 0.6))


def objective(model: MlpVae | StochasticNetwork, initial: Weights, beta: float) -> Objective:
    return Objective(model.x, beta, model.forward(initial) if beta else None)


SCHEDULE = Schedule(0.2, 96, (0, 1, 2, 3, 6, 12, 24, 48, 96))


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


@pytest.mark.parametrize("with_factor", [False, True])
def test_a_factored_gradient_is_added_like_a_dense_one(with_factor: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    left, right, start = (
        torch.randn(shape, generator=generator, dtype=torch.float64)
        for shape in ((2, 5, 3), (2, 5, 4), (2, 3, 4))
    )
    factor = torch.randn((2, 3, 4), generator=generator, dtype=torch.float64)
    expected = torch.einsum("snp,snq->spq", left, right)
    expected = expected * factor if with_factor else expected
    gradient = LayerGradient(left, right, factor if with_factor else None)
    assert torch.allclose(gradient.dense(), expected, rtol=1e-13)
    displacement = start.clone()
    gradient.add_to_(displacement, -0.3)
    assert torch.allclose(displacement, start - 0.3 * expected, rtol=1e-12)
    assert torch.allclose(gradient.dense(), expected, rtol=1e-13)


@pytest.mark.parametrize("beta", [0.0, 0.5])
@pytest.mark.parametrize("build", [mlp, snn])
def test_descent_is_the_plain_loop(build: type[Model], beta: float) -> None:
    """``W -= lr dL/dW`` in float64, 96 steps: displacements agree to 1e-11, relative."""
    model = build()
    assert isinstance(model, MlpVae | StochasticNetwork)
    initial = model.initial_weights((1, 2))
    goal = objective(model, initial, beta)
    weights = {name: weight.clone() for name, weight in initial.items()}
    for _ in range(SCHEDULE.steps):
        forward = model.forward(weights)
        gradients = model.gradients(weights, forward, goal.evaluate(forward)[1])
        dense = {name: gradient.dense() for name, gradient in gradients.items()}
        weights = {name: weights[name] - 0.2 * dense[name] for name in weights}
    untouched = deepcopy(initial)
    done = descend(model, goal, initial, SCHEDULE, (1, 2))
    for name, displacement in done.part("displacement").items():
        assert torch.equal(initial[name], untouched[name])
        expected = weights[name] - initial[name]
        assert float((displacement - expected).norm() / expected.norm()) < 1e-11, name


def test_records_say_what_happened() -> None:
    model = mlp()
    initial = model.initial_weights((4, 7))
    goal = objective(model, initial, 0.5)
    done = descend(model, goal, initial, SCHEDULE, (4, 7), keep=model)
    assert done.step == 96
    found = [(record["seed"], record["step"], record["time"]) for record in done.records]
    expected = [(s, k, 0.2 * k) for k in (0, 1, 2, 3, 6, 12, 24, 48, 96) for s in (4, 7)]
    assert found == [pytest.approx(row) for row in expected]
    first, last = done.records[0], done.records[-1]
    assert all(first[key] == 0 for key in first if key.startswith(("change_", "row_")))
    assert first["kl"] == 0
    weights = {name: initial[name] + done.part("displacement")[name] for name in initial}
    value, _ = goal.evaluate(model.forward(weights))
    assert last["loss"] == float(value.total[1])
    assert last["loss"] == pytest.approx(last["reconstruction"] + 0.5 * last["kl"])
    assert torch.equal(done.tensors["outputs/96"], model.forward(weights).outputs)
    assert tuple(map(int, done.part("outputs"))) == SCHEDULE.record
    for name in initial:
        delta, start = done.part("displacement")[name][1], initial[name][1]
        relative = float(delta.square().sum().sqrt() / start.square().sum().sqrt())
        assert last[f"change_{name}"] == pytest.approx(relative, rel=1e-12)
        largest = max(float(row.norm()) for row in delta)
        assert last[f"row_{name}"] == pytest.approx(largest, rel=1e-12)


def test_tick_is_called_after_every_update() -> None:
    model = snn()
    initial = model.initial_weights((0,))
    seen: list[tuple[int, int, float]] = []

    def tick(state: State) -> None:
        seen.append(
            (state.step, len(state.records), float(state.part("displacement")["mu"].norm()))
        )

    descend(model, Objective(model.x), initial, SCHEDULE, (0,), tick=tick)
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
    model = mlp()
    seeds = (3, 11)
    initial = model.initial_weights(seeds)
    together = descend(model, objective(model, initial, beta), initial, SCHEDULE, seeds)
    for position, seed in enumerate(seeds):
        start = model.initial_weights((seed,))
        alone = descend(model, objective(model, start, beta), start, SCHEDULE, (seed,))
        for name, displacement in alone.part("displacement").items():
            gap = (together.part("displacement")[name][position] - displacement[0]).norm()
            assert float(gap / displacement.norm()) < 1e-11, name
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
    model = mlp(dtype=dtype)
    seeds = (0, 1)
    initial = model.initial_weights(seeds)
    goal = objective(model, initial, 0.01)
    saved: list[State] = []

    def tick(state: State) -> None:
        if state.step == interrupted:
            saved.append(deepcopy(state))

    whole = descend(model, goal, initial, SCHEDULE, seeds, tick=tick, keep=model)
    assert saved[0].step == interrupted
    fresh = model.initial_weights(seeds)
    resumed = descend(
        model,
        objective(model, fresh, 0.01),
        fresh,
        SCHEDULE,
        seeds,
        state=saved[0],
        keep=model,
    )
    assert resumed.step == whole.step
    assert resumed.records == whole.records
    assert list(resumed.part("outputs")) == list(whole.part("outputs"))
    for step, outputs in whole.part("outputs").items():
        assert torch.equal(resumed.part("outputs")[step], outputs)
    for name, displacement in whole.part("displacement").items():
        assert torch.equal(resumed.part("displacement")[name], displacement)


def test_resumed_run_still_knows_where_its_loss_began() -> None:
    """Divergence is a thousandfold rise over step 0, not over the step it was resumed at."""
    model = snn()
    initial = model.initial_weights((0,))
    goal = Objective(model.x)
    done = descend(model, goal, initial, Schedule(0.1, 3, (0, 3)), (0,))
    done.records[0]["loss"] *= 1e-6
    with pytest.raises(UserError, match="diverged by step 64"):
        descend(model, goal, initial, Schedule(0.1, 200, (0, 200)), (0,), state=done)


def test_a_run_is_repeatable_to_the_bit() -> None:
    runs = []
    for _ in range(2):
        model = mlp(dtype=torch.float32)
        initial = model.initial_weights((0,))
        runs.append(descend(model, objective(model, initial, 0.01), initial, SCHEDULE, (0,)))
    assert runs[0].records == runs[1].records
    for name, displacement in runs[0].part("displacement").items():
        assert torch.equal(displacement, runs[1].part("displacement")[name])
