"""The GPU that the CPU plays refuses what a GPU refuses: faults planted in training and alone."""

from collections.abc import Callable

import pytest
import torch
from pretended_gpu import Graph, OnGpu, Refused, play, pretended, recording

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.models.conv_vae import ConvVAE
from vaentk.training import minibatch
from vaentk.training.minibatch import Member, Recipe, initial_state, train
from vaentk.training.state import State

MODEL = ConvVAE(1, 2)
MEMBERS = (Member(0, 1.0), Member(1, 4.0))
RECIPE = Recipe(steps=8, batch=2, learning_rate=1e-3, record_every=2)


def there() -> torch.Tensor:
    return torch.tensor([1.0, 2.0, 3.0], device="cuda")


FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "tensors of two devices": (lambda: there() + torch.ones(3), "tensors of cuda:0 and of cpu"),
    "a generator of the CPU": (
        lambda: torch.randn(3, device="cuda", generator=torch.Generator()),
        "a generator of cpu for a tensor of cuda",
    ),
    "a generator of the GPU": (
        lambda: torch.randn(3, generator=torch.Generator("cuda")),
        "a generator of cuda for a tensor of cpu",
    ),
    "numpy of a tensor there": (lambda: there().numpy(), "numpy"),
}

IN_A_GRAPH: dict[str, Callable[[torch.Tensor], object]] = {
    "a number for the host": lambda x: float(x.sum()),
    "a truth value": lambda x: bool(x.sum() > 0),
    "a list": lambda x: x.tolist(),
    "places that are not zero": lambda x: x.nonzero(),
    "a mask": lambda x: x[x > 1],
    "a copy to the CPU": lambda x: x.cpu(),
    "a copy of numbers of the host": lambda x: x + torch.tensor([1.0], device="cuda"),
    "new random numbers": lambda x: torch.randn(3, device="cuda"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_gpu_refuses_is_refused(name: str) -> None:
    do, words = FAULTS[name]
    with pretended(), pytest.raises(Refused, match=words):
        do()


@pytest.mark.parametrize("name", IN_A_GRAPH)
def test_a_graph_that_is_recorded_refuses_what_makes_the_host_wait(name: str) -> None:
    with pretended():
        x = there()
        IN_A_GRAPH[name](x)  # which is allowed outside
        with recording(Graph()), pytest.raises(Refused):
            IN_A_GRAPH[name](x)


def test_a_recorded_graph_computes_nothing_until_it_is_replayed() -> None:
    with pretended():
        x, total, graph = there(), torch.zeros(3, device="cuda"), Graph()
        with recording(graph):
            total.add_(x)
            square = x.square()
        assert total.tolist() == [0.0, 0.0, 0.0]
        assert square.isnan().all()
        graph.replay()
        x.mul_(2)
        graph.replay()
        assert total.tolist() == [3.0, 6.0, 9.0]
        assert square.tolist() == [4.0, 16.0, 36.0]


def test_the_host_waits_where_values_go_to_it_and_nowhere_else() -> None:
    with pretended():
        x = there()
        before = play.waits.total()
        y = (x * 2 + 1).square().sum()
        assert play.waits.total() == before
        assert float(y) == 9 + 25 + 49
        assert play.waits.total() == before + 1
        assert isinstance(y, OnGpu)
        assert y.device.type == "cuda"


def trained() -> State:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (9, 1, 64, 64), generator=generator, dtype=torch.uint8)
    images = ImageSet(Facts("noise", "noise", "drawn", "", (1, 64, 64), 9), pixels).to("cuda")
    return train(MODEL, images, MEMBERS, RECIPE, initial_state(MODEL, MEMBERS, "cuda"))


def test_training_as_it_is_is_not_refused() -> None:
    with pretended():
        assert trained().step == RECIPE.steps


def test_beta_left_on_the_cpu_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = minibatch._Learner.__init__

    def with_beta_here(learner: minibatch._Learner, *given: object) -> None:
        begin(learner, *given)
        learner.beta = torch.tensor([1.0, 4.0])

    monkeypatch.setattr(minibatch._Learner, "__init__", with_beta_here)
    with pretended(), pytest.raises(Refused, match="cuda:0 and of cpu"):
        trained()


def test_a_number_read_in_a_recorded_update_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    update = minibatch._Learner._update

    def reading(learner: minibatch._Learner, *given: torch.Tensor) -> torch.Tensor:
        losses = update(learner, *given)
        assert float(losses.sum()) > 0
        return losses

    monkeypatch.setattr(minibatch._Learner, "_update", reading)
    with pretended(), pytest.raises(Refused, match="wait while a graph is recorded"):
        trained()


def test_images_asked_for_by_numbers_of_the_cpu_are_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = ImageSet.images
    monkeypatch.setattr(ImageSet, "images", lambda own, numbers: images(own, numbers.cpu()))
    with pretended(), pytest.raises(Refused):
        trained()
