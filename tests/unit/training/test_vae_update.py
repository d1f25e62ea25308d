"""The quick step of Figure 2's network against the general one."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.models.forward import Weights
from vaentk.models.latent import Noiseless, Sampled
from vaentk.models.mlp_vae import MlpVae
from vaentk.training.descent import descend, initial_state, start
from vaentk.training.graph import Graph
from vaentk.training.objectives import Objective
from vaentk.training.schedule import Schedule
from vaentk.training.state import State
from vaentk.training.update import GeneralUpdate
from vaentk.training.vae_update import TanhVaeUpdate, fits

TANH = ACTIVATIONS["tanh"]
SEEDS = (3, 8)
RATE = 0.2


def mlp(dtype: torch.dtype, inputs: int = 6, width: int = 24, device: str = "cpu") -> MlpVae:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((10, inputs), generator=generator, dtype=torch.float64)
    x = (x / x.norm(dim=1, keepdim=True)).to(device, dtype)
    return MlpVae(x, width, 0.5, TANH, Smoothing(TANH, 0.6, 1e-12))


def problem(model: MlpVae, beta: float) -> tuple[Weights, Objective]:
    initial = model.initial_weights(SEEDS)
    return initial, Objective(model.x, beta, model.forward(initial) if beta else None)


def zeros(initial: Weights) -> Weights:
    return {name: torch.zeros_like(weight) for name, weight in initial.items()}


def quick(
    model: MlpVae, objective: Objective, initial: Weights, dual: bool, tolerance: float = 5e-7
) -> TanhVaeUpdate:
    displacement, kept = zeros(initial), {}
    if dual:
        members, width, _ = displacement.pop("enc").shape
        kept["enc"] = model.x.new_zeros(members, len(model.x), width)
    return TanhVaeUpdate(model, objective, initial, displacement, kept, RATE, tolerance)


def relative(got: Tensor, want: Tensor) -> float:
    return float((got - want).norm() / want.norm())


@pytest.mark.parametrize("beta", [0.0, 0.5])
@pytest.mark.parametrize("dual", [False, True])
def test_in_double_precision_both_go_the_same_way(beta: float, dual: bool) -> None:
    """40 steps of two members: every layer's displacement to 1e-10, the smoothing being 1e-12."""
    model = mlp(torch.float64)
    initial, objective = problem(model, beta)
    untouched = deepcopy(initial)
    ours = quick(model, objective, initial, dual, 1e-12)
    theirs = GeneralUpdate(model, objective, initial, zeros(initial), RATE)
    for step in range(40):
        ours(step)
        theirs(step)
    mine, general = ours.observe(40), theirs.observe(40)
    assert set(mine.displacement) == set(mine.weights) == set(initial)
    for name, weight in initial.items():
        assert torch.equal(weight, untouched[name])
        assert float(general.displacement[name].norm()) > 1e-3
        assert relative(mine.displacement[name], general.displacement[name]) < 1e-10, name
        assert relative(mine.weights[name], general.weights[name]) < 1e-12, name
    assert torch.allclose(mine.value.total, general.value.total, rtol=1e-10)


def test_observing_changes_nothing() -> None:
    model = mlp(torch.float32)
    initial, objective = problem(model, 0.1)
    seen, unseen = (quick(model, objective, initial, dual=True) for _ in range(2))
    for step in range(5):
        seen.observe(step)
        seen(step)
        unseen(step)
    last = seen.observe(5).displacement
    for name, displacement in unseen.observe(5).displacement.items():
        assert torch.equal(last[name], displacement)


def test_single_precision_ends_where_double_precision_ends() -> None:
    """96 steps through `descend`: records of the quick and the general step agree to 1e-4."""
    schedule = Schedule(RATE, 96, (0, 1, 12, 96))
    runs = []
    for dtype in (torch.float32, torch.float64):
        model = mlp(dtype)
        initial, objective = problem(model, 0.01)
        assert fits(model, objective) == (dtype == torch.float32)
        runs.append(descend(model, objective, initial, schedule, SEEDS))
    for single, double in zip(runs[0].records, runs[1].records, strict=True):
        assert list(single) == list(double)
        assert single == pytest.approx(double, rel=1e-4, abs=1e-7)
    for name, displacement in runs[1].part("displacement").items():
        assert relative(runs[0].part("displacement")[name].double(), displacement) < 1e-4


def test_the_quick_step_is_for_what_it_computes() -> None:
    model = mlp(torch.float32)
    objective = Objective(model.x)
    assert fits(model, objective)
    assert fits(model, replace(objective, beta=0.1))
    assert not fits(model, replace(objective, penalty=0.1))
    erf = ACTIVATIONS["erf"]
    for other in (
        mlp(torch.float64),
        replace(model, activation=erf),
        replace(model, smoothing=Smoothing(erf, 0.6)),
        replace(model, smoothing=Noiseless(TANH)),
        replace(model, smoothing=Sampled(TANH, SEEDS)),
        replace(model, trained=("mu", "dec")),
    ):
        assert not fits(other, objective)
        initial = other.initial_weights(SEEDS)
        state = initial_state(other, objective, initial)
        assert isinstance(start(other, objective, initial, state, RATE), GeneralUpdate)
        assert "dual/enc" not in state.tensors


@pytest.mark.parametrize(("inputs", "dual"), [(5, False), (6, True)])
def test_the_dual_serves_where_it_is_cheaper(inputs: int, dual: bool) -> None:
    """10 samples: from 6 inputs on. A state has one or the other, a result the displacement."""
    model = mlp(torch.float32, inputs)
    initial, objective = problem(model, 0.1)
    kept: list[bool] = []

    def tick(state: State) -> None:
        kept.append("dual/enc" in state.tensors)
        assert ("displacement/enc" in state.tensors) != kept[-1]

    schedule = Schedule(RATE, 6, (0, 6))
    done = descend(model, objective, initial, schedule, SEEDS, tick=tick)
    assert kept == 6 * [dual]
    assert not done.part("dual")
    for name, weight in initial.items():
        assert done.part("displacement")[name].shape == weight.shape
    longer = descend(
        model, objective, initial, Schedule(RATE, 9, (0, 9)), SEEDS, state=deepcopy(done)
    )
    whole = descend(model, objective, initial, Schedule(RATE, 9, (0, 9)), SEEDS)
    for name, displacement in whole.part("displacement").items():
        assert relative(longer.part("displacement")[name], displacement) < 1e-5, name


@pytest.mark.parametrize("dual", [False, True])
def test_a_step_makes_no_tensor(dual: bool) -> None:
    """Nothing above the few bytes of the largest variance is allocated once all is set up."""
    model = mlp(torch.float32)
    initial, objective = problem(model, 0.1)
    update = quick(model, objective, initial, dual)
    for step in range(2):
        update(step)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        update(2)
    assert max(event.self_cpu_memory_usage for event in seen.key_averages()) < 64


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_replayed_step_is_the_step() -> None:
    """20 steps from a graph against 20 steps on the CPU, in single precision."""
    ends = []
    for device in ("cuda", "cpu"):
        model = mlp(torch.float32, device=device)
        initial, objective = problem(model, 0.1)
        state = initial_state(model, objective, initial)
        update = start(model, objective, initial, state, RATE)
        for step in range(20):
            update(step)
            if step == 10:
                update.observe(11)
        assert isinstance(update, TanhVaeUpdate)
        assert isinstance(update.advance, Graph) == (device == "cuda")
        if isinstance(update.advance, Graph):
            assert update.advance.graph is not None
        ends.append(update.observe(20).displacement)
    for name, displacement in ends[1].items():
        assert relative(ends[0][name].cpu(), displacement) < 1e-4, name
