"""One width's variants: the same tables in one process or in several, from a checkpoint or not."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vaentk.data.stored import Stored
from vaentk.experiments.ntk import training as ntk_training
from vaentk.experiments.ntk.frozen_sigma import FrozenSigma
from vaentk.experiments.ntk.frozen_sigma.train import train as train_frozen_sigma
from vaentk.experiments.ntk.networks import eq4_problem
from vaentk.experiments.ntk.training import train_variants
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.models.mlp_vae import MlpVae
from vaentk.runtime import trainings
from vaentk.runtime.io import Arrays
from vaentk.runtime.job import Job
from vaentk.training.problem import Problem
from vaentk.training.state import State

SETTINGS = WeightChange.from_plain(
    {"widths": [16, 32], "seeds": [3, 5], "steps": 1024, "inputs": {"samples": 8, "resolution": 7}}
)
Trained = tuple[pd.DataFrame, Arrays]


@pytest.fixture(scope="module")
def problem() -> Problem:
    x = np.random.default_rng(0).random((8, 49))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return eq4_problem(SETTINGS, 16, x, "float32", "cpu")


def job(folder: Path, threads: int = 1) -> Job:
    params = {"settings": SETTINGS.model_dump(mode="json"), "checkpoint_seconds": 0.0}
    params["dtype"] = "float32"
    return Job({}, {}, {}, params, threads, "cpu", folder / "logs/16.log")


def run(problem: Problem, folder: Path, threads: int = 1, keep_outputs: bool = True) -> Trained:
    problems = {"base": problem}
    return train_variants(problems, (3, 5), job(folder, threads), keep_outputs=keep_outputs)


@pytest.fixture(scope="module")
def whole(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Path]:
    """A training that nothing stopped, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    return run(problem, folder), folder


def same(found: Trained, expected: Trained) -> None:
    pd.testing.assert_frame_equal(found[0], expected[0], check_exact=True)
    assert found[1].keys() == expected[1].keys()
    assert all(np.array_equal(array, expected[1][key]) for key, array in found[1].items())


def test_rows_are_in_order_of_seed_and_step(whole: tuple[Trained, Path]) -> None:
    frame, outputs = whole[0]
    assert list(frame.columns[:4]) == ["variant", "seed", "step", "time"]
    assert frame.equals(frame.sort_values(["seed", "step"], ignore_index=True))
    assert set(frame["width"]) == {16}
    assert frame.groupby("seed")["limit"].nunique().eq(1).all()
    rows = frame[["variant", "seed", "step"]].itertuples(index=False)
    assert set(outputs) == {f"{variant}/{seed}/{step}" for variant, seed, step in rows}
    assert all(array.shape == (8, 49) for array in outputs.values())


def test_processes_do_not_change_the_result(
    problem: Problem, whole: tuple[Trained, Path], tmp_path: Path
) -> None:
    same(run(problem, tmp_path, threads=2), whole[0])


def test_a_training_taken_up_again_gives_the_same(
    problem: Problem,
    whole: tuple[Trained, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Stopped in the second member, then at the end, where nothing is left to do."""
    descend = ntk_training.descend

    def stopped(*given: Any, tick: Any, **named: Any) -> State:
        def counted(state: State) -> None:
            tick(state)
            if given[4] == (5,) and state.step == 20:
                raise KeyboardInterrupt

        return descend(*given, tick=counted, **named)

    with monkeypatch.context() as patch:
        patch.setattr(ntk_training, "descend", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(problem, tmp_path)
    folder = tmp_path / "16.checkpoint/base"
    assert {path.name for path in folder.iterdir()} == {
        "members-0.safetensors",
        "members-1.safetensors",
    }
    with caplog.at_level(logging.INFO, logger="vaentk"):
        same(run(problem, tmp_path), whole[0])
    assert "resuming width 16 base, seed-5 after step 20" in caplog.messages
    monkeypatch.setattr(ntk_training, "descend", None)
    same(run(problem, tmp_path), whole[0])


def full_with_both(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Train two seeds as one batch, as on a GPU, whose memory is full after some steps."""
    plain, descend = trainings.train_members, ntk_training.descend

    def together(training: trainings.Training, *given: Any) -> State:
        return plain(replace(training, processes=False), *given)

    def limited(*given: Any, tick: Any, **named: Any) -> State:
        seeds = given[4]

        def counted(state: State) -> None:
            tick(state)
            if len(seeds) > 1 and state.step == after:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

        if len(seeds) > 1 and not after:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return descend(*given, tick=counted, **named)

    monkeypatch.setattr(ntk_training, "train_members", together)
    monkeypatch.setattr(ntk_training, "descend", limited)


@pytest.mark.parametrize("after", [0, 20])
def test_seeds_that_do_not_fit_go_on_apart(
    after: int,
    problem: Problem,
    whole: tuple[Trained, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From the start to the same bytes; from a checkpoint of both to the same but for rounding."""
    full_with_both(monkeypatch, after)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        found = run(problem, tmp_path)
    said = "out of memory with 2 members side by side: going on with chunks of 1"
    assert caplog.messages.count(said) == 1
    resumed = f"resuming width 16 base, seed-5 after step {after}"
    assert (resumed in caplog.messages) == (after > 0)
    if not after:
        same(found, whole[0])
    assert found[1].keys() == whole[0][1].keys()
    pd.testing.assert_frame_equal(found[0], whole[0][0], rtol=1e-3, atol=1e-9)


def test_tensorboard_scalars_are_written(whole: tuple[Trained, Path]) -> None:
    events = list((whole[1] / "logs/16/base").rglob("events.*"))
    assert {event.parent.name for event in events} == {"members-0", "members-1"}
    assert all(event.stat().st_size > 1000 for event in events)


def test_a_latent_beyond_the_quadratures_range_is_said(
    problem: Problem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run(problem, tmp_path / "usual")
    assert "quadrature" not in caplog.text
    narrow = problem.model()
    assert isinstance(narrow, MlpVae)
    monkeypatch.setattr(narrow.smoothing, "max_std", 0.01)
    run(replace(problem, network=lambda x, seeds: narrow), tmp_path / "beyond")
    assert "beyond the 0.01 for which the quadrature was checked" in caplog.text


def test_variants_with_a_common_step_take_that_of_the_least_limit(tmp_path: Path) -> None:
    """And for the longest of their times, from one choice of images."""
    settings = FrozenSigma.from_plain(
        {"widths": [16, 32], "inputs": {"samples": 8, "resolution": 7}, "horizon": 0.02}
    )
    generator = np.random.default_rng(0)
    images = generator.integers(256, size=(40, 28, 28)).astype(np.uint8)
    mnist = Stored({"images": images, "labels": np.arange(40) % 10})
    trained: Mapping[str, Any] = train_frozen_sigma(settings, 16, mnist=mnist, task=job(tmp_path))
    records = trained["records"]
    assert list(records["variant"].unique()) == ["trained", "frozen"]
    assert records["learning_rate"].nunique() == records.groupby("variant")["step"].max().nunique()
    assert records["learning_rate"].nunique() == 1
    assert records["learning_rate"].iloc[0] < settings.step_fraction * records["limit"].min()
    assert {key.partition("/")[0] for key in trained["outputs"]} == {"trained", "frozen"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_batch_ends_where_the_cpu_members_end(
    problem: Problem, whole: tuple[Trained, Path], tmp_path: Path
) -> None:
    """float32 on two devices: 1% of every recorded change, as for float32 against float64."""
    on_gpu, _ = train_variants(
        {"base": replace(problem, device="cuda")}, (3, 5), replace(job(tmp_path), device="cuda")
    )
    for column in (name for name in on_gpu if name.startswith("change_")):
        np.testing.assert_allclose(on_gpu[column], whole[0][0][column], rtol=0.01, atol=1e-9)
