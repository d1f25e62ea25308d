"""Members side by side: the same numbers in one process or in several, from a checkpoint or not."""

import logging
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vaentk.errors import UserError
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.runtime import checkpoints, member_batches, members
from vaentk.runtime.job import Job
from vaentk.runtime.workers import workers
from vaentk.training.descent import Checkpoint
from vaentk.training.problem import Problem
from vaentk.training.schedule import paper_duration

SETTINGS = WeightChange.from_plain(
    {"widths": [16, 32], "seeds": [3, 5], "steps": 1024, "inputs": {"samples": 8, "resolution": 7}}
)


@pytest.fixture
def problem() -> Problem:
    x = np.random.default_rng(0).random((8, 49))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    duration = paper_duration(SETTINGS.steps, 1.0, 49, "mean")
    return Problem(SETTINGS, 16, x, "float32", "cpu", duration)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    params = {"settings": SETTINGS.model_dump(mode="json"), "checkpoint_seconds": 0.0}
    return Job({}, {}, {}, params, threads=1, device="cpu", log_file=tmp_path / "logs/16.log")


def test_processes_do_not_change_the_result(problem: Problem, job: Job, tmp_path: Path) -> None:
    here = members.train(problem, job, tmp_path / "here", keep_outputs=True)
    two = replace(job, threads=2)
    spread = members.train(problem, two, tmp_path / "spread", keep_outputs=True)
    assert spread.records == here.records
    assert spread.limits == here.limits
    assert spread.outputs.keys() == here.outputs.keys()
    assert all(np.array_equal(spread.outputs[k], here.outputs[k]) for k in here.outputs)
    frame = here.frame(16)
    assert set(frame["seed"]) == {3, 5}
    assert set(frame["width"]) == {16}
    assert frame.groupby("seed")["limit"].nunique().eq(1).all()


def test_a_finished_checkpoint_gives_the_same_records_and_goes(
    problem: Problem, job: Job, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "checkpoint"
    first = members.train(problem, job, folder)
    assert {path.name for path in folder.iterdir()} == {
        "members-0.safetensors",
        "members-1.safetensors",
    }
    with caplog.at_level(logging.INFO, logger="vaentk"):
        again = members.train(problem, job, folder)
    assert "resuming members-1 after step" in caplog.text
    assert again.records == first.records
    checkpoints.forget(folder)
    assert not folder.exists()
    checkpoints.forget(folder)


def test_a_checkpoint_of_other_settings_is_not_used(
    problem: Problem, job: Job, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "checkpoint"
    first = members.train(problem, job, folder)
    job.params["code"] = "edited"
    with caplog.at_level(logging.INFO, logger="vaentk"):
        again = members.train(problem, job, folder)
    assert "the checkpoint belongs to other settings; starting afresh" in caplog.text
    assert again.records == first.records


def test_a_checkpoint_file_holds_the_whole_state(
    problem: Problem, job: Job, tmp_path: Path
) -> None:
    kept = checkpoints.Checkpoint(tmp_path / "ensemble.safetensors", "same", 0.0)
    place = members._surroundings(problem, job, tmp_path, (3, 5), kept, True, None)
    generator = torch.Generator().manual_seed(0)
    displacement, dual, outputs = torch.randn((3, 2, 4, 4), generator=generator)
    state = Checkpoint(7, {"hid": displacement}, [{"loss": 1.5}], {4: outputs}, {"enc": dual})
    member_batches._write_checkpoint(state, place)
    found = member_batches._read_checkpoint(place, "cpu")
    assert found is not None
    assert (found.step, found.records) == (7, [{"loss": 1.5}])
    assert (list(found.displacement), list(found.dual), list(found.outputs)) == (
        ["hid"],
        ["enc"],
        [4],
    )
    assert torch.equal(found.displacement["hid"], displacement)
    assert torch.equal(found.dual["enc"], dual)
    assert torch.equal(found.outputs[4], outputs)


def full_with_both(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Train two seeds as one batch, as on a GPU, whose memory is full after some steps."""
    monkeypatch.setattr(members, "_side_by_side", lambda *_: 2)
    descend = member_batches.descend

    def limited(*given: Any, tick: Any, **named: Any) -> Checkpoint:
        seeds = given[4]

        def counted(state: Checkpoint) -> None:
            tick(state)
            if len(seeds) > 1 and state.step == after:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

        if len(seeds) > 1 and not after:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return descend(*given, tick=counted, **named)

    monkeypatch.setattr(member_batches, "descend", limited)


@pytest.mark.parametrize("after", [0, 20])
def test_seeds_that_do_not_fit_go_on_apart(
    after: int,
    problem: Problem,
    job: Job,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From the start to the same bytes; from a checkpoint of both to the same but for rounding."""
    apart = members.train(problem, job, tmp_path / "apart", keep_outputs=True)
    full_with_both(monkeypatch, after)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        found = members.train(problem, job, tmp_path / "halved", keep_outputs=True)
    said = "out of memory with 2 members side by side: going on with groups of 1"
    assert caplog.messages.count(said) == 1
    assert capsys.readouterr().err.count(said) == 1
    assert (f"resuming members-1 after step {after}" in caplog.messages) == (after > 0)
    assert found.outputs.keys() == apart.outputs.keys()
    assert [(r["seed"], r["step"]) for r in found.records] == [
        (r["seed"], r["step"]) for r in apart.records
    ]
    if not after:
        assert found.records == apart.records
        assert all(np.array_equal(found.outputs[k], apart.outputs[k]) for k in apart.outputs)
    for name in ("loss", "change_enc", "change_hid", "change_dec"):
        ours, theirs = ([row[name] for row in run.records] for run in (found, apart))
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-9)


def test_tensorboard_scalars_are_written(problem: Problem, job: Job, tmp_path: Path) -> None:
    members.train(problem, job, tmp_path / "checkpoint")
    events = list(job.log_file.with_suffix("").rglob("events.*"))
    assert len(events) == 2
    assert all(event.stat().st_size > 1000 for event in events)


def test_a_latent_beyond_the_quadratures_range_is_said(
    problem: Problem,
    job: Job,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    members.train(problem, job, tmp_path / "usual")
    assert "quadrature" not in caplog.text
    narrow = problem.model()
    monkeypatch.setattr(narrow.smoothing, "max_std", 0.01)
    monkeypatch.setattr(Problem, "model", lambda _, seeds=(): narrow)
    members.train(problem, job, tmp_path / "beyond")
    assert "beyond the 0.01 for which the quadrature was checked" in caplog.text


def test_a_killed_worker_is_one_sentence() -> None:
    with (
        pytest.raises(UserError, match="a training process was killed, perhaps for memory"),
        workers(2) as run,
    ):
        run(die, [1, 2])


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_batch_ends_where_the_cpu_members_end(
    problem: Problem, job: Job, tmp_path: Path
) -> None:
    """float32 on two devices: 1% of every recorded change, as for float32 against float64."""
    on_cpu = members.train(problem, job, tmp_path / "cpu").frame(16)
    on_gpu = members.train(replace(problem, device="cuda"), job, tmp_path / "gpu").frame(16)
    for column in (name for name in on_cpu if name.startswith("change_")):
        np.testing.assert_allclose(on_gpu[column], on_cpu[column], rtol=0.01, atol=1e-9)
