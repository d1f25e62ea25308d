"""What TensorBoard shows, read back with its own reader."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from vaentk.runtime.checkpoints import Member
from vaentk.runtime.tensorboard import Events, name_of
from vaentk.training.state import State

MEMBERS: list[Member] = [{"seed": 0, "beta": 1.0}, {"seed": 1, "beta": 2.5}]
NAMES = ["seed-0-beta-1", "seed-1-beta-2.5"]
STEPS, EVERY = 100, 10


def state_at(steps: int) -> State:
    """A state after some updates, with records of its own."""
    rows = [
        {
            **member,
            "step": step,
            "time": 0.1 * step,
            "loss": 1000.0 - step - place,
            "kl": 0.1 + step,
        }
        for step in range(0, steps, EVERY)
        for place, member in enumerate(MEMBERS)
    ]
    return State(steps, {}, rows)


def picture(writer: SummaryWriter, names: Sequence[str], state: State) -> None:
    for name in names:
        writer.add_histogram(f"units/{name}", np.arange(3), state.step - 1)


def show(folder: Path, start: int, *steps: int) -> None:
    """Start, or go on, after some updates and look in after some more."""
    with closing(Events(folder, MEMBERS, state_at(start), STEPS, picture)) as events:
        for step in steps:
            events.show(state_at(step))


def read(path: Path) -> EventAccumulator:
    """All events of a folder or of one file."""
    return EventAccumulator(str(path), size_guidance={"scalars": 0, "histograms": 0}).Reload()


def has_scalars_of(found: EventAccumulator, state: State, since: int = 0) -> bool:
    """Whether every record is there once and nothing else is, to float32."""
    expected: dict[str, list[tuple[float, float]]] = {}
    for record in state.records:
        if record["step"] >= since:
            for part in ("loss", "kl"):
                tag = f"{part}/{NAMES[record['seed']]}"
                value = record["step"], float(np.float32(record[part]))
                expected.setdefault(tag, []).append(value)
    tags = found.Tags()["scalars"]
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in tags} == expected


def pictured(folder: Path) -> list[list[int]]:
    found = read(folder)
    return [[event.step for event in found.Histograms(f"units/{name}")] for name in NAMES]


def test_scalars_are_the_records(tmp_path: Path) -> None:
    show(tmp_path, 0, 5, 9, 25, 29)
    assert has_scalars_of(read(tmp_path), state_at(29))


def test_ten_pictures_a_run_at_the_ends_of_blocks(tmp_path: Path) -> None:
    """One is due every 10 of 100 steps and comes with the first block after it."""
    show(tmp_path, 0, 5, 9, 25, 29, 30)
    assert pictured(tmp_path) == [[24, 29]] * 2


def test_a_resumed_run_writes_no_record_twice(tmp_path: Path) -> None:
    """Killed after step 50, taken up from the checkpoint after step 25."""
    show(tmp_path, 0, 25, 50)
    (first,) = tmp_path.iterdir()
    time.sleep(1.1)  # files are read in the order of their names, which have seconds
    show(tmp_path, 25, 50, 75)
    (second,) = set(tmp_path.iterdir()) - {first}
    assert has_scalars_of(read(tmp_path), state_at(75))
    assert has_scalars_of(read(second), state_at(75), since=25)
    assert pictured(tmp_path) == [[24, 49, 74]] * 2


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ({"seed": 12345678}, "seed-12345678"),
        ({"seed": 3, "beta": 0.5}, "seed-3-beta-0.5"),
        ({}, ""),
    ],
)
def test_a_member_is_named_by_its_numbers(member: Member, name: str) -> None:
    assert name_of(member) == name
