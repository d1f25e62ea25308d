"""Three ways to convolve an ensemble on a GPU: the same values and gradients, the fastest taken."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from vaentk.models import member_convolutions
from vaentk.models.member_convolutions import WAYS, Direction, Way, convolve_members

CASES: list[tuple[Direction, int, int]] = [("down", 4, 1), ("down", 2, 0), ("up", 4, 1)]
MEMBERS, INPUTS, OUTPUTS = 3, 2, 5


def material(direction: Direction, side: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    kernel = (MEMBERS * OUTPUTS, INPUTS) if direction == "down" else (MEMBERS * INPUTS, OUTPUTS)
    shapes = (2, MEMBERS * INPUTS, 8, 8), (*kernel, side, side), (MEMBERS * OUTPUTS,)
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes
    ]


def found(way: Way, case: tuple[Direction, int, int], dtype: torch.dtype) -> list[Tensor]:
    direction, side, padding = case
    leaves = [tensor.requires_grad_() for tensor in material(direction, side, dtype)]
    y = WAYS[way](direction, *leaves, padding, MEMBERS)
    weight = torch.linspace(-1, 1, y.numel(), dtype=dtype).view(y.shape)
    return [y.detach(), *torch.autograd.grad((y * weight).sum(), leaves)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", ["apart", "unfolded"])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 3e-5)])
def test_all_ways_are_the_grouped_convolution(
    way: Way, case: tuple[Direction, int, int], dtype: torch.dtype, error: float
) -> None:
    for ours, theirs in zip(found(way, case, dtype), found("grouped", case, dtype), strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=error, atol=error)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Way]]:
    """Which ways are called, beside those that are measured; with no choice made before."""
    calls: list[Way] = []

    def noting(way: Way) -> object:
        call = WAYS[way]

        def note(*given: object) -> Tensor:
            calls.append(way)
            return call(*given)

        return note

    monkeypatch.setattr(member_convolutions, "WAYS", {way: noting(way) for way in WAYS})
    monkeypatch.setattr(member_convolutions, "_chosen", {})
    yield calls
    torch.use_deterministic_algorithms(False)


def call(case: tuple[Direction, int, int] = CASES[0], groups: int = MEMBERS) -> None:
    direction, side, padding = case
    given = [tensor.to("cuda") for tensor in material(direction, side, torch.float32)]
    if groups == 1:
        given[1] = given[1].repeat(1, MEMBERS, 1, 1)
    convolve_members(direction, *given, padding, groups)


def test_where_bytes_repeat_members_go_apart(taken: list[Way], gpu: None) -> None:
    torch.use_deterministic_algorithms(True)
    call()
    assert taken == ["apart"]


def test_one_member_is_an_ordinary_convolution(taken: list[Way], gpu: None) -> None:
    call(groups=1)
    assert taken == ["grouped"]


@pytest.mark.parametrize("best", WAYS)
def test_elsewhere_the_fastest_is_taken_and_measured_once(
    best: Way, taken: list[Way], monkeypatch: pytest.MonkeyPatch, gpu: None
) -> None:
    asked = []

    def seconds(way: object, *_: object) -> float:
        asked.append(way)
        return 1.0 if way is member_convolutions.WAYS[best] else 2.0

    monkeypatch.setattr(member_convolutions, "_seconds", seconds)
    call()
    call()
    call(CASES[2])
    assert taken == [best] * 3
    assert len(asked) == 2 * len(WAYS), "once for every shape"


def test_a_way_without_an_algorithm_is_left_out(
    taken: list[Way], monkeypatch: pytest.MonkeyPatch, gpu: None
) -> None:
    def no_engine(*_: object) -> Tensor:
        raise RuntimeError("GET was unable to find an engine to execute this computation")

    ways = member_convolutions.WAYS
    lacking = {way: no_engine if way == "grouped" else ways[way] for way in ways}
    monkeypatch.setattr(member_convolutions, "WAYS", lacking)
    monkeypatch.setattr(member_convolutions, "REPETITIONS", 1)
    call()
    assert taken[-1] in ("apart", "unfolded")
