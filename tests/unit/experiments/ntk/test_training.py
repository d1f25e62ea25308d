"""A job of some widths: the same tables in one process or in several, killed or not."""

import logging
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vaentk.data.stored import Stored
from vaentk.errors import UserError
from vaentk.experiments.ntk import training as ntk_training
from vaentk.experiments.ntk.frozen_sigma import FrozenSigma
from vaentk.experiments.ntk.frozen_sigma.train import train as train_frozen_sigma
from vaentk.experiments.ntk.networks import eq4_problem
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.trained import by_width
from vaentk.experiments.ntk.training import train_eq4, train_problems
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.models.mlp_vae import MlpVae
from vaentk.runtime import trainings
from vaentk.runtime.io import Arrays
from vaentk.runtime.job import Job
from vaentk.training import flow
from vaentk.training.gradient import Vector
from vaentk.training.problem import Problem
from vaentk.training.state import State, Tick
from vaentk.training.vae_gradient import TanhVaeGradient

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
    problems = [("base", problem)]
    return train_problems(problems, (3, 5), job(folder, threads), keep_outputs=keep_outputs)


Follow = Callable[..., State]


def ticking(
    monkeypatch: pytest.MonkeyPatch, seen: Callable[[tuple[int, ...], State], None]
) -> None:
    """Call something with seeds and state after every step of a flow, and its checkpoint."""
    follow: Follow = flow.follow

    def followed(gradient: Any, times: Any, recorder: Any, state: State, tick: Tick) -> State:
        def both(state: State) -> None:
            tick(state)
            seen(recorder.seeds, state)

        return follow(gradient, times, recorder, state, both)

    monkeypatch.setattr(flow, "follow", followed)


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
    assert frame.groupby("seed")["time"].nunique().eq(8).all()
    rows = frame[["variant", "seed", "step"]].itertuples(index=False)
    assert set(outputs) == {f"16/{variant}/{seed}/{step}" for variant, seed, step in rows}
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

    def stop(seeds: tuple[int, ...], state: State) -> None:
        if seeds == (5,) and state.step == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        ticking(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            run(problem, tmp_path)
    folder = tmp_path / "16.checkpoint/16-base"
    assert {path.name for path in folder.iterdir()} == {
        "members-0.safetensors",
        "members-1.safetensors",
    }
    with caplog.at_level(logging.INFO, logger="vaentk"):
        same(run(problem, tmp_path), whole[0])
    assert "resuming width 16 base, seed-5 after moment 3" in caplog.messages
    monkeypatch.setattr(flow, "follow", None)
    same(run(problem, tmp_path), whole[0])


@pytest.mark.parametrize("gradients", [4, 40, 120])
def test_a_training_killed_in_the_middle_of_a_step_gives_the_same(
    gradients: int,
    problem: Problem,
    whole: tuple[Trained, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By SIGKILL between two stages, in a process of its own: at the first step and at later ones.

    Four gradients are for the spectral radius; each of two members takes 129.
    """
    process = os.fork()
    if not process:
        evaluate, left = TanhVaeGradient.evaluate, iter(range(gradients))

        def killed(gradient: TanhVaeGradient, increment: Any = None, step: int = 0) -> None:
            if increment is not None and next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            evaluate(gradient, increment, step)

        TanhVaeGradient.evaluate = killed  # type: ignore[assignment, method-assign]
        try:
            run(problem, tmp_path)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    with caplog.at_level(logging.INFO, logger="vaentk"):
        same(run(problem, tmp_path), whole[0])
    assert any("resuming" in line for line in caplog.messages) == (gradients > 4)


def full_with_both(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Train two seeds as one batch, as on a GPU, whose memory is full from some moment on."""
    plain = trainings.train_members

    def together(training: trainings.Training, *given: Any) -> State:
        return plain(replace(training, processes=False), *given)

    def fill(seeds: tuple[int, ...], state: State) -> None:
        if len(seeds) > 1 and state.step == after:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(ntk_training, "train_members", together)
    if after:
        ticking(monkeypatch, fill)
        return
    follow: Follow = flow.follow

    def alone(gradient: Any, times: Any, recorder: Any, state: State, tick: Tick) -> State:
        fill(recorder.seeds, state)
        return follow(gradient, times, recorder, state, tick)

    monkeypatch.setattr(flow, "follow", alone)


@pytest.mark.parametrize("after", [0, 3])
def test_seeds_that_do_not_fit_go_on_apart(
    after: int,
    problem: Problem,
    whole: tuple[Trained, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From the start to the same bytes; from a checkpoint of both within the accuracy of a step.

    Together they took the same steps, so the numbers of steps differ too.
    """
    full_with_both(monkeypatch, after)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        found = run(problem, tmp_path)
    said = "out of memory with 2 members side by side: going on with chunks of 1"
    assert caplog.messages.count(said) == 1
    resumed = f"resuming width 16 base, seed-5 after moment {after}"
    assert (resumed in caplog.messages) == (after > 0)
    if not after:
        same(found, whole[0])
    assert found[1].keys() == whole[0][1].keys()
    counts = ["gradients", "flow_steps", "radius"]
    ours, theirs = (frame.drop(columns=counts) for frame in (found[0], whole[0][0]))
    pd.testing.assert_frame_equal(ours, theirs, rtol=2 * SETTINGS.accuracy, atol=1e-9)


def test_tensorboard_scalars_are_written(whole: tuple[Trained, Path]) -> None:
    events = list((whole[1] / "logs/16/16-base").rglob("events.*"))
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


def test_mean_field_divides_outputs_by_the_root_of_the_width_and_multiplies_time_by_it() -> None:
    """``m`` times the gradient of ``|f / sqrt(m) - X|^2 / (2n)``, by autograd: 1e-9 relative."""
    case = WeightChange.from_plain(
        {"widths": [8, 16], "parametrisation": "mean-field", "beta": 0, "frozen": ["hid", "sigma"]}
    )
    x = np.random.default_rng(0).normal(size=(5, 6))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    problem = eq4_problem(case, 8, x, "float64", "cpu")
    gradient = problem.gradient((0,))
    zero = Vector.zero(gradient.shapes, 1, torch.zeros((), dtype=torch.float64))
    gradient.start_from(zero)
    gradient.evaluate()
    ours = Vector.zero(gradient.shapes, 1, zero.flat)
    gradient.add_to_(ours, 1.0, 0.0)

    model, weights = problem.model(), dict(gradient.initial)
    leaves = {name: weights[name].clone().requires_grad_() for name in ("enc", "mu", "dec")}
    outputs = model.forward(weights | leaves).outputs[0] / 8**0.5
    loss = (outputs - torch.from_numpy(x)).square().sum() / (2 * len(x))
    expected = torch.autograd.grad(8 * loss, list(leaves.values()))
    assert list(ours.layers) == list(leaves)
    for name, by_autograd in zip(leaves, expected, strict=True):
        assert torch.allclose(ours.layers[name], by_autograd, rtol=1e-9, atol=1e-12), name


@pytest.fixture
def mnist() -> Stored:
    generator = np.random.default_rng(0)
    images = generator.integers(256, size=(40, 28, 28)).astype(np.uint8)
    return Stored({"images": images, "labels": np.arange(40) % 10})


def test_variants_of_a_common_time_are_observed_at_the_same_moments(
    mnist: Stored, tmp_path: Path
) -> None:
    """For the longest of their times, from one choice of images, one width after another."""
    settings = FrozenSigma.from_plain(
        {"widths": [16, 32], "inputs": {"samples": 8, "resolution": 7}, "horizon": 0.02}
    )
    (part,) = settings.width_jobs
    trained: Mapping[str, Any] = train_frozen_sigma(settings, part, mnist=mnist, task=job(tmp_path))
    records = trained["records"]
    found = list(records[["width", "variant"]].drop_duplicates().itertuples(index=False, name=None))
    assert found == [(16, "trained"), (16, "frozen"), (32, "trained"), (32, "frozen")]
    times = records.groupby(["width", "variant", "seed"])["time"].apply(tuple)
    assert times.nunique() == 1
    outputs = {part: Stored(trained["outputs"])}
    for width, own, arrays in by_width({part: records}, outputs):
        assert set(own["width"]) == {width}
        keys = own[["variant", "seed", "step"]].itertuples(index=False, name=None)
        assert set(arrays) == {"/".join(map(str, key)) for key in keys}
        for key, array in arrays.items():
            assert array is trained["outputs"][f"{width}/{key}"]


def test_a_width_is_trained_the_same_alone_and_in_a_job_of_several(
    mnist: Stored, tmp_path: Path
) -> None:
    frames = {
        str(part): train_eq4(SETTINGS, part, mnist=mnist, task=job(tmp_path / str(part)))["records"]
        for part in (WidthJob([16, 32]), WidthJob([32]))
    }
    of_both = frames["16-32"]
    alone = of_both[of_both["width"] == 32].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, frames["32"], check_exact=True)


def literal(problem: Problem, learning_rate: float) -> Problem:
    case = SETTINGS.but(stepping="literal", learning_rate=learning_rate, steps=64)
    return eq4_problem(case, 16, problem.x, "float32", "cpu")


def test_literal_steps_are_taken_as_printed(problem: Problem, tmp_path: Path) -> None:
    """Their records hold the radius at the start, of the least limit of the seeds."""
    frame, _ = run(literal(problem, 1.0), tmp_path)
    assert list(frame["step"].unique()) == [0, 1, 2, 4, 8, 16, 32, 64]
    np.testing.assert_allclose(frame["time"], frame["step"] * 2 / 49)
    assert (frame["gradients"] == frame["step"]).all()
    limit = min(problem.limit(seed) for seed in (3, 5))
    assert set(frame["radius"]) == {2 / limit}


def test_literal_steps_above_the_limit_are_refused(problem: Problem, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^width 16 base: learning rate 40.82 .* stability limit"):
        run(literal(problem, 1000.0), tmp_path)


@pytest.mark.usefixtures("gpu")
def test_the_gpu_batch_ends_where_the_cpu_members_end(
    problem: Problem, whole: tuple[Trained, Path], tmp_path: Path
) -> None:
    """float32 on two devices: 1% of every recorded change, as for float32 against float64."""
    problems = [("base", replace(problem, device="cuda"))]
    on_gpu, _ = train_problems(problems, (3, 5), replace(job(tmp_path), device="cuda"))
    for column in (name for name in on_gpu if name.startswith("change_")):
        np.testing.assert_allclose(on_gpu[column], whole[0][0][column], rtol=0.01, atol=1e-9)
