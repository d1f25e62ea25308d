"""A variant of a deep VAE trained in one job: stopped and taken up again, of other images."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from vaentk.data.facts import Facts
from vaentk.data.stored import Stored
from vaentk.errors import UserError
from vaentk.experiments.convergence.deep_vae import DeepNetwork, DeepTraining
from vaentk.experiments.convergence.deep_vae.train import train
from vaentk.runtime import io
from vaentk.runtime.devices import one_thread
from vaentk.runtime.job import Job
from vaentk.training import deep
from vaentk.training.state import State

SETTINGS = DeepTraining(
    network=DeepNetwork(side=32, widths=(2, 2, 2), hidden=4, latent=2),
    seeds=(3, 5),
    epochs=3,
    batch=4,
    common_codes=2,
    per_decade=3,
    scored=3,
)
Found = tuple[pd.DataFrame, dict[str, NDArray[np.float32]]]


def images(seed: int = 0) -> Stored:
    """Noise: 12 images to train on and 3 held out."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(256, (15, 3, 64, 64), generator=generator, dtype=torch.uint8)
    parts = torch.zeros(15, dtype=torch.uint8)
    parts[12:] = 2
    facts = Facts("noise", "celeba", "stand-in", f"seed {seed}", (3, 64, 64), 15)
    return Stored({"images": pixels, "parts": parts}, facts.text())


def run(folder: Path, of: Stored | None = None) -> Found:
    """Train with a checkpoint after every block and evaluation."""
    params = {"checkpoint_seconds": 0.0, "settings": SETTINGS.model_dump(mode="json")}
    job = Job({}, {}, {}, params, threads=1, device="cpu", log_file=folder / "logs/base.log")
    trained = train(SETTINGS, "base", images=of or images(), task=job)
    return trained["records"], trained["weights"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A job that nothing stopped."""
    one_thread()
    return run(tmp_path_factory.mktemp("whole"))


def test_start_and_end_are_the_networks_and_every_evaluation_has_its_row(whole: Found) -> None:
    records, weights = whole
    names = {name.partition("/")[2] for name in weights}
    assert set(weights) == {f"{state}/{name}" for state in ("start", "end") for name in names}
    assert not np.array_equal(weights["start/mean"], weights["end/mean"])
    assert records["step"].max() == 9
    assert not records.duplicated(["seed", "step"]).any()
    assert set(records["seed"]) == {3, 5}


@pytest.mark.parametrize("saves", [1, 3])
def test_a_stopped_job_ends_with_the_same_bytes(
    saves: int,
    whole: Found,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real, made = io.write_arrays, 0

    def stop(*given: Any) -> None:
        nonlocal made
        real(*given)
        made += 1
        if made == saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(io, "write_arrays", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.setattr(io, "write_arrays", real)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        records, weights = run(tmp_path)
    assert any(line.startswith("resuming base, 2 members after step") for line in caplog.messages)
    pd.testing.assert_frame_equal(records, whole[0], check_exact=True)
    assert all(np.array_equal(weights[name], tensor) for name, tensor in whole[1].items())


def test_a_checkpoint_of_other_images_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        run(tmp_path, images(1))
    assert "the checkpoint is of other settings or inputs; starting afresh" in caplog.messages


@pytest.mark.parametrize("saves", [0, 2])
def test_seeds_that_do_not_fit_go_on_apart_and_end_with_the_same_bytes(
    saves: int,
    whole: Found,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Before anything is saved, and after a block and an evaluation are."""
    plain = deep.train

    def limited(*given: Any) -> State:
        recipe, tick = given[3], given[5]
        saved = 0

        def counted(state: State) -> None:
            nonlocal saved
            if len(recipe.seeds) > 1 and saved == saves:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
            tick(state)
            saved += 1

        return plain(*given[:5], counted, given[6])

    monkeypatch.setattr(deep, "train", limited)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        records, weights = run(tmp_path)
    said = "out of memory with 2 members side by side: going on with chunks of 1"
    assert caplog.messages.count(said) == 1
    resumed = [line for line in caplog.messages if line.startswith("resuming base, seed-")]
    assert len(resumed) == (2 if saves else 0)
    pd.testing.assert_frame_equal(records, whole[0], check_exact=True)
    assert list(weights) == list(whole[1])
    assert all(np.array_equal(weights[name], tensor) for name, tensor in whole[1].items())


def test_an_incomplete_batch_is_left_out_of_an_epoch(tmp_path: Path) -> None:
    """Of 12 images by 8: one update an epoch; and fewer than a batch are refused."""
    params = {"checkpoint_seconds": 0.0}
    job = Job({}, {}, {}, params, threads=1, device="cpu", log_file=tmp_path / "logs/base.log")
    records = train(SETTINGS.but(batch=8), "base", images=images(), task=job)["records"]
    assert records["step"].max() == 3
    with pytest.raises(UserError, match="batch is 14, and there are 12 training images: lower"):
        train(SETTINGS.but(batch=14), "base", images=images(), task=job)
