"""A CUDA graph gives what its function gives, as often as the function would have been called."""

import pytest
import torch
from torch import Tensor

from vaentk.training.graph import Graph

pytestmark = pytest.mark.usefixtures("gpu")


class Sum:
    """Adds what it is given to a total, kept in place, and gives the total's squares."""

    def __init__(self) -> None:
        self.total = torch.tensor([1.0, 2.0, 3.0], device="cuda")

    def __call__(self, x: Tensor, factor: Tensor) -> Tensor:
        self.total.addcmul_(x, factor)
        return self.total.square()


def test_a_graph_gives_what_the_function_gives() -> None:
    """What it changes in place too: warm-ups are calls, and the recording is none."""
    called, recorded = Sum(), Sum()
    graph = Graph(recorded)
    given, found, expected = [], [], []
    for call in range(6):
        x = torch.full((3,), call + 1.0, device="cuda")
        factor = torch.tensor([1.0, -2.0, 0.5], device="cuda")
        given.append(x)
        found.append(graph(x, factor))
        expected.append(called(x, factor))
        assert torch.equal(recorded.total, called.total)
    # At the end, so that an output or an input overwritten by a later call would be seen.
    assert [y.tolist() for y in found] == [y.tolist() for y in expected]
    assert [x.tolist() for x in given] == [[call + 1.0] * 3 for call in range(6)]
    # 1 + 21, 2 - 2 * 21, 3 + 21 / 2, of 1 + 2 + ... + 6 = 21
    assert recorded.total.tolist() == [22.0, -40.0, 13.5]


def test_a_graph_of_an_adam_step_ends_where_the_steps_end() -> None:
    """What training records: gradients, weights and both averages, all changed in place."""

    def learner() -> tuple[Tensor, torch.optim.Adam]:
        weight = torch.tensor([1.0, -2.0], device="cuda", requires_grad=True)
        optimiser = torch.optim.Adam([weight], lr=0.1, fused=True, capturable=True)
        optimiser.state[weight] = {
            "step": torch.zeros((), device="cuda"),
            "exp_avg": torch.zeros(2, device="cuda"),
            "exp_avg_sq": torch.zeros(2, device="cuda"),
        }
        return weight, optimiser

    def update(weight: Tensor, optimiser: torch.optim.Adam, x: Tensor) -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        loss = (weight * x - 1).square().sum()
        loss.backward()
        optimiser.step()
        return loss.detach()

    (plain, its_optimiser), (weight, optimiser) = learner(), learner()
    graph = Graph(lambda x: update(weight, optimiser, x))
    for number in (1.0, 0.5, 2.0, 1.5, 0.25, 3.0):
        x = torch.tensor([number, 3.0], device="cuda")
        assert float(graph(x)) == pytest.approx(float(update(plain, its_optimiser, x)), rel=1e-6)
    torch.testing.assert_close(weight, plain)
    for name, value in its_optimiser.state[plain].items():
        torch.testing.assert_close(optimiser.state[weight][name], value)
