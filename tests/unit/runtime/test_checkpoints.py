"""Checkpoints of chunks: divided, found again, put together, and never mixed with another run's."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from vaentk.errors import UserError
from vaentk.runtime.checkpoints import ChunkCheckpoints, Member
from vaentk.training.state import Record, State

MEMBERS: list[Member] = [{"seed": seed, "beta": beta} for seed in (0, 7) for beta in (1.0, 4.0)]


def of(folder: Path, fingerprint: str = "same") -> ChunkCheckpoints:
    return ChunkCheckpoints(folder, fingerprint, 0.0, MEMBERS)


def rows(steps: int, members: list[Member] = MEMBERS) -> list[Record]:
    return [{**member, "step": step} for step in range(steps) for member in members]


def state() -> State:
    """Two tensors in an order that is not that of their names."""
    first = torch.arange(8.0).view(4, 2)
    generators = torch.arange(4).to(torch.uint8)
    tensors = {"weights/b": first, "mean/a": 10 * first, "generators": generators}
    return State(5, tensors, rows(2))


def same(found: State, expected: State) -> None:
    assert (found.step, found.records) == (expected.step, expected.records)
    assert list(found.tensors) == list(expected.tensors)
    assert all(torch.equal(found.tensors[name], t) for name, t in expected.tensors.items())


def test_without_checkpoints_chunks_are_of_the_size(tmp_path: Path) -> None:
    kept = of(tmp_path)
    assert kept.chunks(4) == [(0, 1, 2, 3)]
    assert kept.chunks(3) == [(0, 1, 2), (3,)]
    assert kept.of((0, 1, 2, 3)).path.name == "ensemble.safetensors"


def test_a_divided_checkpoint_is_that_of_its_parts(tmp_path: Path) -> None:
    kept = of(tmp_path)
    whole, parts = (0, 1, 2, 3), [(0, 1), (2, 3)]
    kept.of(whole).save(state())
    kept.divide(whole, parts)
    assert not kept.of(whole).path.exists()
    loaded = [(part, kept.of(part).load("cpu")) for part in reversed(parts)]
    divided = [(part, found) for part, found in loaded if found is not None]
    second = {name: tensor[2:] for name, tensor in state().tensors.items()}
    same(divided[0][1], State(5, second, rows(2, MEMBERS[2:])))
    same(kept.united(divided), state())


def test_a_run_that_is_taken_up_again_has_the_chunks_that_it_had(tmp_path: Path) -> None:
    kept = of(tmp_path)
    kept.of((1, 2)).save(State(5, {}))
    assert kept.chunks(4) == [(0, 3), (1, 2)]
    kept.of((0, 1, 2, 3)).save(State(3, {}))  # it was being divided when the run was killed
    assert kept.chunks(1) == [(0, 1, 2, 3)]


@pytest.mark.parametrize("name", ["members-9", "members-0-x", "notes"])
def test_files_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    of(tmp_path, "another").of((0, 1)).save(State(5, {}))
    (tmp_path / f"{name}.safetensors").touch()
    kept = of(tmp_path)
    assert kept.chunks(2) == [(0, 1), (2, 3)]
    kept.divide((0, 1), [(0,), (1,)])
    assert not kept.of((0,)).path.exists()


def test_a_checkpoint_of_other_settings_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = (0, 1, 2, 3)
    of(tmp_path).of(whole).save(state())
    loaded = of(tmp_path).of(whole).load("cpu")
    assert loaded is not None
    same(loaded, state())
    with caplog.at_level(logging.INFO, logger="vaentk"):
        assert of(tmp_path, "another").of(whole).load("cpu") is None
    assert caplog.messages == ["the checkpoint is of other settings or inputs; starting afresh"]


def test_every_flipped_bit_and_every_cut_of_a_checkpoint_is_noticed(tmp_path: Path) -> None:
    kept = of(tmp_path)
    checkpoint = kept.of((0, 1, 2, 3))
    checkpoint.save(state())
    whole, draws = checkpoint.path.read_bytes(), np.random.default_rng(0)
    header = 8 + int.from_bytes(whole[:8], "little")
    damaged = [whole[:left] for left in (0, 4, header // 2, len(whole) - 1)]
    for place in draws.choice(8 * len(whole), 400, replace=False):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << (place % 8)
        damaged.append(bytes(changed))
    for content in damaged:
        checkpoint.path.write_bytes(content)
        for read in (lambda: checkpoint.load("cpu"), lambda: kept.chunks(4)):
            with pytest.raises(UserError) as raised:
                read()
            said = str(raised.value)
            assert said.startswith(f"{checkpoint.path} ")
            assert "delete it and run again" in said
            assert "\n" not in said
    checkpoint.path.write_bytes(whole)
    loaded = checkpoint.load("cpu")
    assert loaded is not None
    same(loaded, state())
