"""Checkpoints of groups: divided, found again, put together, and never mixed with another run's."""

from pathlib import Path

import pytest
import torch

from vaentk.runtime.checkpoints import Record
from vaentk.runtime.group_checkpoints import GroupCheckpoints

MEMBERS = [(0, 1.0), (0, 4.0), (7, 1.0), (7, 4.0)]


def of(folder: Path, fingerprint: str = "same") -> GroupCheckpoints:
    return GroupCheckpoints(
        folder, fingerprint, 0.0, MEMBERS, lambda row: (row["seed"], row["beta"])
    )


def rows(steps: int, members: list[tuple[int, float]] = MEMBERS) -> list[Record]:
    return [{"seed": s, "beta": b, "step": k} for k in range(steps) for s, b in members]


def state() -> dict[str, torch.Tensor]:
    """Two tensors in an order that is not that of their names."""
    first = torch.arange(8.0).view(4, 2)
    return {"weights/b": first, "mean/a": 10 * first, "generators": torch.arange(4).to(torch.uint8)}


def test_without_checkpoints_groups_are_of_the_size(tmp_path: Path) -> None:
    kept = of(tmp_path)
    assert kept.groups(4) == [(0, 1, 2, 3)]
    assert kept.groups(3) == [(0, 1, 2), (3,)]
    assert kept.of((0, 1, 2, 3)).path.name == "ensemble.safetensors"


def test_a_divided_checkpoint_is_that_of_its_parts(tmp_path: Path) -> None:
    kept = of(tmp_path)
    whole, parts = (0, 1, 2, 3), [(0, 1), (2, 3)]
    kept.of(whole).save(5, state(), rows(2))
    kept.divide(whole, parts)
    assert not kept.of(whole).path.exists()
    found = kept.of((2, 3)).load("cpu")
    assert found is not None
    assert found.step == 5
    assert list(found.tensors) == list(state())
    assert all(torch.equal(found.tensors[name], t[2:]) for name, t in state().items())
    assert found.records == rows(2, MEMBERS[2:])
    loaded = [(group, kept.of(group).load("cpu")) for group in reversed(parts)]
    tensors, records = kept.united((g, k.tensors, k.records) for g, k in loaded if k)
    assert all(torch.equal(tensors[name], t) for name, t in state().items())
    assert records == rows(2)


def test_a_run_that_is_taken_up_again_has_the_groups_that_it_had(tmp_path: Path) -> None:
    kept = of(tmp_path)
    kept.of((1, 2)).save(5, {}, [])
    assert kept.groups(4) == [(0, 3), (1, 2)]
    kept.of((0, 1, 2, 3)).save(3, {}, [])  # it was being divided when the run was killed
    assert kept.groups(1) == [(0, 1, 2, 3)]


@pytest.mark.parametrize("name", ["members-9", "members-0-x", "notes"])
def test_files_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    of(tmp_path, "another").of((0, 1)).save(5, {}, [])
    (tmp_path / f"{name}.safetensors").touch()
    kept = of(tmp_path)
    assert kept.groups(2) == [(0, 1), (2, 3)]
    kept.divide((0, 1), [(0,), (1,)])
    assert not kept.of((0,)).path.exists()
