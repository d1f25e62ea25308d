"""The driver on a training of a few numbers: killed, taken up again, halved, in processes."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from vaentk.runtime import io, trainings
from vaentk.runtime.checkpoints import Chunk
from vaentk.runtime.devices import one_thread
from vaentk.runtime.job import Job
from vaentk.runtime.trainings import Training, train_members
from vaentk.runtime.workers import workers
from vaentk.training.state import State, Tick

SEEDS = (3, 5, 11)
STEPS = 40
FULL = "CUDA out of memory. Tried to allocate 2 GiB"


def job(folder: Path, code: str = "one", threads: int = 1) -> Job:
    params = {"checkpoint_seconds": 0.0, "code": code}
    return Job({}, {}, {}, params, threads, "cpu", folder / "logs/2.log")


def checkpoint(folder: Path) -> Path:
    return folder / "2.checkpoint" / "base" / "ensemble.safetensors"


def start(chunk: Chunk) -> State:
    """Two numbers a member."""
    seeds = torch.tensor([SEEDS[place] for place in chunk], dtype=torch.float64)
    return State(0, {"weights/b": seeds[:, None] / 7, "weights/a": seeds[:, None] / 3})


def run(chunk: Chunk, state: State, tick: Tick, steps: int = STEPS, seconds: float = 0.0) -> State:
    """A map that rounds otherwise at every step, recorded at every fifth."""
    while state.step < steps:
        for tensor in state.tensors.values():
            tensor.copy_(torch.sin(3 * tensor) + tensor / 7)
        if state.step % 5 == 0:
            sums = sum(tensor.sum(dim=1) for tensor in state.tensors.values())
            assert isinstance(sums, torch.Tensor)
            for place, value in zip(chunk, sums.tolist(), strict=True):
                state.records.append({"seed": SEEDS[place], "step": state.step, "sum": value})
        state.step += 1
        time.sleep(seconds)
        tick(state)
    return state


TRAINING = Training(
    label="numbers",
    members=[{"seed": seed} for seed in SEEDS],
    steps=STEPS,
    start=start,
    run=run,
    folder="base",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> State:
    """A training that nothing stopped."""
    return train_members(TRAINING, job(tmp_path_factory.mktemp("whole")))


def same_bytes(found: State, expected: State) -> bool:
    """Steps, records and tensors in their order."""
    assert (found.step, found.records) == (expected.step, expected.records)
    assert list(found.tensors) == list(expected.tensors)
    return all(
        tensor.numpy().tobytes() == expected.tensors[name].numpy().tobytes()
        for name, tensor in found.tensors.items()
    )


def test_records_are_in_order_of_step_and_member(whole: State) -> None:
    found = [(row["step"], row["seed"]) for row in whole.records]
    assert found == [(step, seed) for step in range(0, STEPS, 5) for seed in SEEDS]


def test_a_killed_training_resumes_and_ends_with_the_same_bytes(
    whole: State, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = started("slowly", tmp_path)
    wait_for(checkpoint(tmp_path).exists, process)
    process.kill()
    assert process.wait(timeout=20) == -signal.SIGKILL
    step = json.loads(io.read_note(checkpoint(tmp_path)))["step"]
    assert 0 < step < STEPS
    with caplog.at_level(logging.INFO, logger="vaentk"):
        resumed = train_members(TRAINING, job(tmp_path))
    assert f"resuming numbers, 3 members after step {step}" in caplog.messages
    assert same_bytes(resumed, whole)


def test_worker_processes_die_with_their_job(tmp_path: Path) -> None:
    """Killed, it cannot tell them; they see it at their next step."""
    process = started("in_processes", tmp_path)
    written = [tmp_path / f"{seed}.pid" for seed in SEEDS[:2]]
    wait_for(lambda: all(path.exists() for path in written), process)
    process.kill()
    process.wait(timeout=20)
    for path in written:
        wait_for(lambda path=path: not Path(f"/proc/{path.read_text()}").exists())


@dataclass
class Limited:
    """A run whose memory is too small for more than so many members, after some steps."""

    most: int
    after: int
    sizes: list[int] = field(default_factory=list)

    def __call__(self, chunk: Chunk, state: State, tick: Tick) -> State:
        self.sizes.append(len(chunk))

        def counted(state: State) -> None:
            if len(chunk) > self.most and state.step == self.after:
                state.tensors["weights/a"].zero_()  # as an update that broke off
                raise torch.cuda.OutOfMemoryError(FULL)
            tick(state)

        if len(chunk) > self.most and not self.after:
            raise torch.cuda.OutOfMemoryError(FULL)
        return run(chunk, state, counted)


@pytest.mark.parametrize("after", [0, 8])
def test_members_that_do_not_fit_go_on_apart_and_end_with_the_same_bytes(
    after: int,
    whole: State,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the start where there is no checkpoint, else from the one of all members."""
    limited = Limited(1, after)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        found = train_members(replace(TRAINING, run=limited), job(tmp_path))
    assert same_bytes(found, whole)
    assert limited.sizes == [3, 1, 1, 1]
    said = "out of memory with 3 members side by side: going on with chunks of 1"
    assert caplog.messages.count(said) == 1
    assert capsys.readouterr().err.count(said) == 1
    resumed = f"resuming numbers, seed-11 after step {after - 1}"
    assert (resumed in caplog.messages) == (after > 0)
    caplog.clear()
    again = train_members(TRAINING, job(tmp_path))  # killed after its training, before its results
    assert same_bytes(again, whole)
    assert said not in caplog.messages


def test_a_full_memory_with_one_member_is_what_torch_says(tmp_path: Path) -> None:
    limited = Limited(0, 0)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        train_members(replace(TRAINING, run=limited), job(tmp_path))
    assert limited.sizes == [3, 1]


def never(*_: Any) -> State:
    raise AssertionError("there is nothing left to do")


def test_a_finished_checkpoint_is_the_result(whole: State, tmp_path: Path) -> None:
    """For a job that was killed after its training, before its results were saved."""
    train_members(TRAINING, job(tmp_path))
    assert same_bytes(train_members(replace(TRAINING, start=never), job(tmp_path)), whole)


@pytest.mark.parametrize("change", ["code", "depends_on", "inputs"])
def test_a_checkpoint_of_other_settings_or_inputs_is_not_used(
    change: str, whole: State, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train_members(TRAINING, job(tmp_path))
    code = "two" if change == "code" else "one"
    inputs = {Path("images.safetensors"): "sha256:1"} if change == "inputs" else {}
    other = replace(TRAINING, depends_on=("others",)) if change == "depends_on" else TRAINING
    with caplog.at_level(logging.INFO, logger="vaentk"):
        found = train_members(other, replace(job(tmp_path, code), checksums=inputs))
    assert caplog.messages == ["the checkpoint is of other settings or inputs; starting afresh"]
    assert same_bytes(found, whole)


def test_an_error_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    def fails(chunk: Chunk, state: State, tick: Tick) -> State:
        run(chunk, state, tick, steps=10)
        raise ValueError("diverged")

    with pytest.raises(ValueError, match="diverged"):
        train_members(replace(TRAINING, run=fails), job(tmp_path))
    assert json.loads(io.read_note(checkpoint(tmp_path)))["step"] == 10
    assert [path.name for path in checkpoint(tmp_path).parent.iterdir()] == ["ensemble.safetensors"]


def test_a_checkpoint_is_saved_when_it_is_time_and_at_the_end(tmp_path: Path) -> None:
    rare = job(tmp_path)
    rare.params["checkpoint_seconds"] = 1e6

    def watched(chunk: Chunk, state: State, tick: Tick) -> State:
        found = run(chunk, state, tick)
        assert not checkpoint(tmp_path).exists()
        return found

    train_members(replace(TRAINING, run=watched), rare)
    assert checkpoint(tmp_path).exists()


def test_processes_do_not_change_the_result(whole: State, tmp_path: Path) -> None:
    """Every member a chunk of its own, here or in two processes."""
    apart = replace(TRAINING, processes=True)
    with workers(2, tmp_path / "workers.log") as spread:
        assert same_bytes(train_members(apart, job(tmp_path / "spread"), spread), whole)
    assert same_bytes(train_members(apart, job(tmp_path / "here")), whole)
    names = {path.name for path in (tmp_path / "spread/2.checkpoint/base").iterdir()}
    assert names == {f"members-{place}.safetensors" for place in range(3)}


def test_as_many_members_as_fit_are_a_chunk_on_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where on a CPU every member is one; the CPU stands in for it."""
    asked: list[Any] = []

    def fitting(*given: Any) -> int:
        asked.append(given)
        return 2

    monkeypatch.setattr(trainings, "fitting", fitting)
    limited = Limited(3, 0)
    training = replace(TRAINING, run=limited, processes=True, member_bytes=7.0)
    found = replace(job(tmp_path), device="cuda")
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, *_: tensor)
    train_members(training, found)
    assert asked == [(3, 7.0, "cuda")]
    assert limited.sizes == [2, 1]


def test_events_are_written_unless_nothing_is_shown(tmp_path: Path) -> None:
    train_members(TRAINING, job(tmp_path / "shown"))
    (events,) = (tmp_path / "shown/logs/2/base/ensemble").iterdir()
    assert events.stat().st_size > 500
    train_members(replace(TRAINING, scalars=False), job(tmp_path / "plain"))
    assert not (tmp_path / "plain/logs").exists()


def started(how: str, folder: Path) -> "subprocess.Popen[bytes]":
    """This file as a process of its own."""
    paths = os.pathsep.join([str(Path(io.__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, __file__, how, str(folder)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
    )


def wait_for(condition: Any, process: "subprocess.Popen[bytes] | None" = None) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process is None or process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


def without_end(folder: Path, chunk: Chunk, state: State, tick: Tick) -> State:
    """Run on and on, and say in which process."""
    path = folder / f"{SEEDS[chunk[0]]}.pid"
    io.write_text(str(os.getpid()), path)
    return run(chunk, state, tick, steps=10**9, seconds=0.01)


def main(how: str, folder: Path) -> None:
    one_thread()
    if how == "slowly":
        train_members(replace(TRAINING, run=partial(run, seconds=0.05)), job(folder))
        return
    with workers(2, folder / "workers.log") as spread:
        training = replace(TRAINING, run=partial(without_end, folder), processes=True)
        train_members(training, job(folder), spread)


if __name__ == "__main__":  # the process that is killed
    main(sys.argv[1], Path(sys.argv[2]))
