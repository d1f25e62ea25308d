"""S1's trainings in one job: killed and taken up again, under other settings, diverged."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from vaentk.errors import UserError
from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.experiments.convergence.linear_vae.train import train
from vaentk.runtime import io
from vaentk.runtime.devices import one_thread
from vaentk.runtime.job import Job

SETTINGS = LinearVae(
    runs=2,
    steps=600,
    short_steps=100,
    estimators=("pathwise", "score-leave-one-out"),
    constant_estimators=("pathwise",),
    betas=(0.5, 2.0),
    code_counts=(1, 3),
    noise_limited={"runs": 3, "steps": 100},
)


def run(folder: Path, settings: LinearVae = SETTINGS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train with a checkpoint after every block."""
    params = {"checkpoint_seconds": 0.0, "settings": settings.model_dump(mode="json")}
    job = Job({}, {}, {}, params, threads=1, device="cpu", log_file=folder / "logs/sgd.log")
    trained = train(settings, "sgd", task=job)
    return trained["records"], trained["marks"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A job that nothing stopped."""
    one_thread()
    return run(tmp_path_factory.mktemp("whole"))


def same(found: tuple[pd.DataFrame, ...], expected: tuple[pd.DataFrame, ...]) -> None:
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_every_variant_has_its_records_and_rates_their_diagnostics(
    whole: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    records, marks = whole
    names = [variant.name for variant in SETTINGS.variants()]
    assert list(records["variant"].unique()) == names
    assert set(marks["role"]) == {"rate"}
    assert sorted(marks["step"].unique()) == [0, 1, 4, 16, 64, 256, 600]
    assert len(marks) == 2 * 7 * 2
    assert (marks[["curvature", "noise"]] > 0).all(axis=None)
    ends = records.groupby("variant")["step"].max()
    assert ends["rate-pathwise-0.5"] == 600
    assert ends["beta-2"] == 100
    assert not records.duplicated(["variant", "seed", "step"]).any()


def test_variants_start_alike(whole: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    start = whole[0][whole[0]["step"] == 0].set_index(["variant", "seed"])["gradient"]
    assert (start["rate-pathwise-0.5"] == start["constant-pathwise-0"]).all()
    assert (start["rate-pathwise-0.5"] != start["beta-2"]).all()


def test_a_killed_job_resumes_and_ends_with_the_same_tables(
    whole: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = str(Path(io.__file__).parents[2])
    paths = os.pathsep.join([library, os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, __file__, str(tmp_path)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
    )
    second = tmp_path / "sgd.checkpoint/rate-score-leave-one-out-0.5/ensemble.safetensors"
    try:
        deadline = time.monotonic() + 120
        while not second.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait(timeout=20) == -signal.SIGKILL
    with caplog.at_level(logging.INFO, logger="vaentk"):
        resumed = run(tmp_path)
    assert "resuming sgd rate-pathwise-0.5, 2 members after step 600" in caplog.messages
    assert any("resuming sgd rate-score-leave-one-out-0.5" in line for line in caplog.messages)
    same(resumed, whole)


@pytest.mark.parametrize("at", [64, 512])
def test_every_checkpoint_leads_to_the_same_tables(
    at: int,
    whole: tuple[pd.DataFrame, pd.DataFrame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped at a diagnostic step that is reached and not yet measured, and between two."""
    real = io.write_arrays

    def stop(*given: object) -> None:
        real(*given)  # type: ignore[arg-type]
        if f'"step": {at},' in str(given[2]):
            raise KeyboardInterrupt

    monkeypatch.setattr(io, "write_arrays", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.setattr(io, "write_arrays", real)
    same(run(tmp_path), whole)


def test_a_checkpoint_of_other_settings_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    short = SETTINGS.but(steps=100, short_steps=100)
    run(tmp_path, short)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        found = run(tmp_path, short.but(runs=3))
    assert "the checkpoint is of other settings or inputs; starting afresh" in caplog.messages
    assert set(found[0]["seed"]) == {0, 1, 2}


def test_divergence_is_one_sentence(tmp_path: Path) -> None:
    settings = SETTINGS.but(optimisers={"sgd": 100.0, "adam": 0.05})
    with pytest.raises(UserError, match=r"training diverged .* lower the scale of its steps, 100"):
        run(tmp_path, settings)


if __name__ == "__main__":  # the process that is killed
    one_thread()
    run(Path(sys.argv[1]))
