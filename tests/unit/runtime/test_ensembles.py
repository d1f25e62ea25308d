"""Ensembles in one job: killed and taken up again, diverged, with a checkpoint that is unusable."""

import json
import logging
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime import checkpoints, ensembles, io
from vaentk.runtime.devices import one_thread
from vaentk.runtime.job import Job
from vaentk.training import minibatch
from vaentk.training.minibatch import Member, Recipe, State

BLOCK = 5  # steps between two checkpoints, in place of 25: the same, sooner
MEMBERS = (Member(0, 1.0), Member(1, 4.0))
RECIPE = Recipe(steps=8 * BLOCK, batch=2, learning_rate=1e-3, record_every=3)


def noise(name: str = "noise") -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(64, (9, 1, 64, 64), generator=generator, dtype=torch.uint8)
    facts = Facts(
        name=name, dataset="noise", data="drawn", source="", shape=(1, 64, 64), official=9
    )
    return ImageSet(facts, pixels)


def checkpoint(folder: Path) -> Path:
    return folder / "checkpoint" / "ensemble.safetensors"


def run(folder: Path, recipe: Recipe = RECIPE, code: str = "one", name: str = "noise") -> State:
    """Train on two threads with everything under one folder, and a checkpoint every block."""
    params = {"checkpoint_seconds": 0.0, "code": code}
    job = Job({}, {}, {}, params, threads=2, device="cpu", log_file=folder / "logs/2.log")
    where = checkpoint(folder).parent
    return ensembles.train_ensemble(ConvVAE(1, 2), noise(name), MEMBERS, recipe, job, where)


@pytest.fixture(autouse=True, scope="module")
def _short_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minibatch, "BLOCK", BLOCK)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[State, Path]:
    """A run that nothing stopped, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    return run(folder), folder


@pytest.fixture
def finished(whole: tuple[State, Path], tmp_path: Path) -> Path:
    """The checkpoint of that run, in a folder of the test's own."""
    return Path(shutil.copytree(whole[1] / "checkpoint", tmp_path / "checkpoint")).parent


def same_bytes(found: State, expected: State) -> bool:
    """Steps, records, weights, Adam's averages and generators."""
    assert (found.step, found.records) == (expected.step, expected.records)
    assert found.tensors.keys() == expected.tensors.keys()
    return all(
        tensor.numpy().tobytes() == expected.tensors[name].numpy().tobytes()
        for name, tensor in found.tensors.items()
    )


def test_a_killed_run_resumes_and_ends_with_the_same_bytes(
    whole: tuple[State, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = str(Path(ensembles.__file__).parents[2])
    paths = os.pathsep.join([library, os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, __file__, str(tmp_path)]
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": paths}
    )
    try:
        deadline = time.monotonic() + 120
        while not checkpoint(tmp_path).exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait(timeout=20) == -signal.SIGKILL
    step = json.loads(io.read_note(checkpoint(tmp_path)))["step"]
    assert 0 < step < RECIPE.steps
    with caplog.at_level(logging.INFO, logger="vaentk"):
        resumed = run(tmp_path)
    assert f"resuming ensemble after step {step}" in caplog.messages
    assert same_bytes(resumed, whole[0])


def full_beyond(most: int, after: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make memory too small for more than so many members, once so many blocks are done."""
    sizes: list[int] = []
    train = ensembles.train

    def limited(*given: Any) -> State:
        members, tick = given[2], given[5]
        sizes.append(len(members))
        blocks = 0

        def counted(state: State) -> None:
            nonlocal blocks
            tick(state)
            blocks += 1
            if len(members) > most and blocks == after:
                next(iter(state.weights().values())).zero_()  # as an update that broke off
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

        if len(members) > most and not after:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return train(*given[:5], counted, given[6])

    monkeypatch.setattr(ensembles, "train", limited)
    return sizes


@pytest.mark.parametrize("after", [0, 3])
def test_members_that_do_not_fit_go_on_apart_and_end_with_the_same_bytes(
    after: int,
    whole: tuple[State, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the start where there is no checkpoint, else from the one of both members."""
    sizes = full_beyond(1, after, monkeypatch)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        found = run(tmp_path)
    assert same_bytes(found, whole[0])
    assert list(found.tensors) == list(whole[0].tensors)
    assert sizes == [2, 1, 1]
    said = "out of memory with 2 members side by side: going on with groups of 1"
    assert caplog.messages.count(said) == 1
    assert capsys.readouterr().err.count(said) == 1
    resumed = f"resuming members-1 after step {after * BLOCK}"
    assert (resumed in caplog.messages) == (after > 0)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="vaentk"):
        again = run(tmp_path)  # killed after its training, before its results were saved
    assert same_bytes(again, whole[0])
    assert said not in caplog.messages


def test_a_full_memory_with_one_member_is_what_torch_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = full_beyond(0, 0, monkeypatch)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        run(tmp_path)
    assert sizes == [2, 1]


def test_a_finished_checkpoint_is_the_result(
    whole: tuple[State, Path],
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For a job that was killed after its training, before its results were saved."""
    monkeypatch.setattr(minibatch, "losses", None)
    assert same_bytes(run(finished), whole[0])


def test_a_checkpoint_of_other_settings_is_not_used(
    whole: tuple[State, Path], finished: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="vaentk"):
        state = run(finished, replace(RECIPE, steps=BLOCK), code="edited")
    assert caplog.messages == ["the checkpoint belongs to other settings; starting afresh"]
    assert state.step == BLOCK
    assert state.records[:4] == whole[0].records[:4]
    assert json.loads(io.read_note(checkpoint(finished)))["step"] == BLOCK


def test_a_checkpoint_of_other_images_is_not_used(
    finished: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As of a stand-in, when the real images have come."""
    with caplog.at_level(logging.INFO, logger="vaentk"):
        run(finished, replace(RECIPE, steps=BLOCK), name="real")
    assert caplog.messages == ["the checkpoint belongs to other settings; starting afresh"]


def test_divergence_is_one_sentence_and_leaves_the_last_checkpoint(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An update of infinite length: the next loss is not a number, in the second block."""
    run(tmp_path, replace(RECIPE, steps=BLOCK))
    before = checkpoint(tmp_path).read_bytes()
    with pytest.raises(UserError) as raised:
        run(tmp_path, replace(RECIPE, learning_rate=math.inf))
    assert str(raised.value) == (
        f"training diverged by step {BLOCK + 1}: the loss of seed 0 at beta 1 is nan: "
        "lower learning_rate."
    )
    assert [path.name for path in checkpoint(tmp_path).parent.iterdir()] == [
        checkpoint(tmp_path).name
    ]
    assert checkpoint(tmp_path).read_bytes() == before


@pytest.mark.parametrize("kept", [0, 4, 1000, 10_000_000, -1])
def test_a_damaged_checkpoint_is_one_sentence(finished: Path, kept: int) -> None:
    """Cut in its length, its header, its tensors and its last byte."""
    path = checkpoint(finished)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError) as raised:
        run(finished)
    said = str(raised.value)
    assert said.startswith(f"{path} cannot be read (")
    assert said.endswith("): delete it and run again")
    assert "\n" not in said


def test_forget_removes_the_checkpoint_alone(tmp_path: Path) -> None:
    folder = tmp_path / "10.checkpoint"
    folder.mkdir()
    (folder / "ensemble.safetensors").touch()
    (folder / ".ensemble.safetensors.1.part").touch()  # what a killed run leaves
    (tmp_path / "10.parquet").touch()
    checkpoints.forget(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["10.parquet"]
    checkpoints.forget(folder)


if __name__ == "__main__":  # the process that is killed
    one_thread()
    minibatch.BLOCK = BLOCK
    run(Path(sys.argv[1]))
