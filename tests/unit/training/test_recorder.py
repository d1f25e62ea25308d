"""What is recorded of members, by hand, and losses that have diverged."""

from typing import Any

import pytest
import torch
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.errors import UserError
from vaentk.models.forward import Weights
from vaentk.models.mlp_vae import MlpVae
from vaentk.training.gradient import GeneralGradient, Vector
from vaentk.training.objectives import Objective
from vaentk.training.recorder import Recorder
from vaentk.training.state import Record, State

SEEDS = (4, 7)
BETA = 0.5


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def moved(scale: float = 0.1) -> tuple[GeneralGradient, Vector]:
    """Build Figure 2's network, both members moved by drawn numbers."""
    x = draw(10, 6, seed=2)
    tanh = ACTIVATIONS["tanh"]
    model = MlpVae(x / x.norm(dim=1, keepdim=True), 24, 0.5, tanh, Smoothing(tanh, 0.6, 1e-9))
    initial = model.initial_weights(SEEDS)
    objective = Objective(model.x, BETA, model.forward(initial))
    gradient = GeneralGradient(model, objective, initial)
    vector = Vector.zero(gradient.shapes, len(SEEDS), initial["enc"])
    vector.flat.copy_(scale * draw(*vector.flat.shape, seed=3))
    gradient.start_from(vector)
    return gradient, vector


def test_records_say_what_happened() -> None:
    gradient, vector = moved()
    model = gradient.model
    state = State(5, {})
    Recorder(gradient.initial, SEEDS, keep=model).record(state, gradient, 2.5, gradients=17)
    weights = {name: gradient.initial[name] + vector.layers[name] for name in vector.layers}
    forward = model.forward(weights)
    value = gradient.objective.value(
        forward.outputs - gradient.objective.targets, forward.mean, forward.variance, {}
    )
    assert [record["seed"] for record in state.records] == [4, 7]
    for member, record in enumerate(state.records):
        assert list(record)[:4] == ["seed", "step", "time", "gradients"]
        assert (record["step"], record["time"], record["gradients"]) == (5, 2.5, 17)
        assert record["loss"] == float(value.total[member])
        assert record["loss"] == pytest.approx(record["reconstruction"] + BETA * record["kl"])
        largest = float(forward.variance[member].max()) ** 0.5
        assert record["latent_std"] == pytest.approx(largest, rel=1e-14)
        for name, layer in vector.layers.items():
            start = gradient.initial[name][member]
            change = float(layer[member].square().sum().sqrt() / start.square().sum().sqrt())
            assert record[f"change_{name}"] == pytest.approx(change, rel=1e-12)
            row = max(float(row.norm()) for row in layer[member])
            assert record[f"row_{name}"] == pytest.approx(row, rel=1e-12)
    assert list(state.tensors) == ["outputs/5"]
    assert torch.equal(state.tensors["outputs/5"], forward.outputs)
    assert state.observed


def test_at_the_start_nothing_has_moved() -> None:
    gradient, _ = moved(0.0)
    state = State(0, {})
    Recorder(gradient.initial, SEEDS).record(state, gradient, 0.0)
    for record in state.records:
        assert record["kl"] == 0
        assert all(record[k] == 0 for k in record if k.startswith(("change_", "row_")))
    assert not state.tensors


def test_further_observations_see_the_weights_and_the_moments_number() -> None:
    gradient, vector = moved()
    given: list[Any] = []

    def observe(step: int, weights: Weights) -> list[Record]:
        given.extend((step, weights))
        return [{"more": 1.0}, {}]

    state = State(5, {})
    Recorder(gradient.initial, SEEDS, observe=observe).record(state, gradient, 2.5)
    assert given[0] == 5
    assert torch.equal(given[1]["hid"], gradient.initial["hid"] + vector.layers["hid"])
    assert state.records[0]["more"] == 1
    assert "more" not in state.records[1]


def test_other_inputs_may_be_kept() -> None:
    gradient, _ = moved()
    other = MlpVae(draw(3, 6, seed=9), 24, 0.5, gradient.model.activation, gradient.model.smoothing)
    state = State(0, {})
    Recorder(gradient.initial, SEEDS, keep=other).record(state, gradient, 0.0)
    assert state.tensors["outputs/0"].shape == (2, 3, 6)


@pytest.mark.parametrize(
    ("factor", "refused"), [(999.0, False), (1001.0, True), (float("inf"), True), (None, True)]
)
def test_a_thousandfold_loss_has_diverged(factor: float | None, refused: bool) -> None:
    """Over the first record of the same member; None makes it not a number."""
    gradient, _ = moved()
    recorder, state = Recorder(gradient.initial, SEEDS), State(0, {})
    recorder.record(state, gradient, 0.0)
    seen = gradient.observe()
    seen.value.total[1] *= float("nan") if factor is None else factor
    if not refused:
        recorder.refuse_divergence(state, seen, 3.25)
        return
    with pytest.raises(UserError) as caught:
        recorder.refuse_divergence(state, seen, 3.25)
    first = state.records[1]["loss"]
    message = str(caught.value)
    assert message.startswith("training diverged by time 3.25 (Eq. 7's units): the loss of seed 7 ")
    assert f"went from {first:.4g} to " in message
    assert "\n" not in message


def test_a_first_loss_that_is_not_finite_is_refused() -> None:
    gradient, vector = moved()
    vector.flat[0] = float("nan")
    gradient.start_from(vector)
    with pytest.raises(UserError, match="seed 4 went from nan to nan"):
        Recorder(gradient.initial, SEEDS).record(State(0, {}), gradient, 0.0)
