"""VAEs side by side: the same bytes stopped, halved or not; and what TensorBoard shows of them."""

import io as bytes_of
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.distributions import Normal, kl_divergence
from torch.utils.tensorboard import SummaryWriter

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.experiments.latents.training import show_pictures, train_vaes
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime import io
from vaentk.runtime.job import Job
from vaentk.training import minibatch
from vaentk.training.minibatch import Member, Recipe, initial_state
from vaentk.training.state import State

BLOCK = 5  # steps between two checkpoints, in place of 25: the same, sooner
MEMBERS = (Member(0, 1.0), Member(1, 2.5))
NAMES = ("seed-0-beta-1", "seed-1-beta-2.5")
RECIPE = Recipe(steps=4 * BLOCK, batch=2, learning_rate=1e-3, record_every=3)


def noise(channels: int = 1, name: str = "noise") -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (20, channels, 64, 64), generator=generator, dtype=torch.uint8)
    return ImageSet(Facts(name, "noise", "drawn", "", (channels, 64, 64), 20), pixels)


def run(
    folder: Path,
    recipe: Recipe = RECIPE,
    name: str = "noise",
    members: Sequence[Member] = MEMBERS,
) -> State:
    """Train on two threads with everything under one folder, and a checkpoint every block."""
    params = {"checkpoint_seconds": 0.0}
    job = Job({}, {}, {}, params, threads=2, device="cpu", log_file=folder / "logs/2.log")
    return train_vaes(ConvVAE(1, 2), noise(1, name), members, recipe, job)


@pytest.fixture(autouse=True, scope="module")
def _short_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minibatch, "BLOCK", BLOCK)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[State, Path]:
    """A training that nothing stopped, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    return run(folder), folder


def same_bytes(found: State, expected: State) -> bool:
    """Steps, records, weights, Adam's averages and generators."""
    assert (found.step, found.records) == (expected.step, expected.records)
    assert list(found.tensors) == list(expected.tensors)
    return all(
        tensor.numpy().tobytes() == expected.tensors[name].numpy().tobytes()
        for name, tensor in found.tensors.items()
    )


@pytest.mark.parametrize("saves", [1, 3])
def test_a_stopped_training_ends_with_the_same_bytes(
    saves: int, whole: tuple[State, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    assert same_bytes(run(tmp_path), whole[0])


@pytest.mark.parametrize("after", [0, 2])
def test_members_that_do_not_fit_go_on_apart_and_end_with_the_same_bytes(
    after: int, whole: tuple[State, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the start where there is no checkpoint, else from the one of both members."""
    train = minibatch.train

    def limited(*given: Any) -> State:
        members, tick = given[2], given[5]
        blocks = 0

        def counted(state: State) -> None:
            nonlocal blocks
            if len(members) > 1 and blocks == after:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
            tick(state)
            blocks += 1

        return train(*given[:5], counted, given[6])

    monkeypatch.setattr(minibatch, "train", limited)
    assert same_bytes(run(tmp_path), whole[0])


def test_a_checkpoint_of_other_images_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As of a stand-in, when the real images have come."""
    short = replace(RECIPE, steps=BLOCK)
    run(tmp_path, short)
    with caplog.at_level(logging.INFO, logger="vaentk"):
        run(tmp_path, short, name="real")
    assert caplog.messages == ["the checkpoint is of other settings or inputs; starting afresh"]


def test_divergence_is_one_sentence_and_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    """An update of infinite length: the next loss is not a number, in the second block."""
    run(tmp_path, replace(RECIPE, steps=BLOCK))
    path = tmp_path / "2.checkpoint/ensemble.safetensors"
    before = path.read_bytes()
    with pytest.raises(UserError) as raised:
        run(tmp_path, replace(RECIPE, learning_rate=math.inf))
    assert str(raised.value) == (
        f"training diverged by step {BLOCK + 1}: the loss of seed 0 at beta 1 is nan: "
        "lower learning_rate."
    )
    assert path.read_bytes() == before


def test_tensorboard_has_scalars_and_pictures_of_every_member(whole: tuple[State, Path]) -> None:
    tags = read(whole[1] / "logs/2/ensemble").Tags()
    assert set(tags["scalars"]) == {
        f"{kind}/{name}" for kind in ("loss", "reconstruction", "kl") for name in NAMES
    }
    assert set(tags["histograms"]) == {f"kl_of_units/{name}" for name in NAMES}
    assert set(tags["images"]) == {
        f"{kind}/{name}" for kind in ("reconstructions", "traversals") for name in NAMES
    }


def read(path: Path) -> EventAccumulator:
    """All events of a folder."""
    kinds = ("scalars", "histograms", "images")
    return EventAccumulator(str(path), size_guidance=dict.fromkeys(kinds, 0)).Reload()


def pixels(encoded: bytes) -> NDArray[np.uint8]:
    """Of a picture, (c, height, width)."""
    return np.asarray(Image.open(bytes_of.BytesIO(encoded))).transpose(2, 0, 1)


def test_pictures_show_kl_reconstructions_and_traversals(tmp_path: Path) -> None:
    """Of each member under its own name."""
    model, images = ConvVAE(3, 2), noise(3)
    state = initial_state(model, MEMBERS, "cpu")
    with SummaryWriter(str(tmp_path)) as writer:
        show_pictures(model, images, writer, NAMES, replace(state, step=10))
    found, drawn = read(tmp_path), state.part("weights")
    for place, name in enumerate(NAMES):
        weights = {key: weight[place : place + 1] for key, weight in drawn.items()}
        mean, logvar = model.encode(weights, images.pixels[None] / 255)
        kl = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(0, 1)).mean((0, 1))
        (event,) = found.Histograms(f"kl_of_units/{name}")
        assert event.step == 9
        shown = event.histogram_value
        assert shown.num == model.latent_dim
        for ours, theirs in ((shown.min, kl.min()), (shown.max, kl.max()), (shown.sum, kl.sum())):
            assert ours == pytest.approx(float(theirs), rel=1e-4, abs=1e-7)

        # Seven images of the twenty: every third, above what they become.
        (event,) = found.Images(f"reconstructions/{name}")
        assert (event.width, event.height) == (7 * 64, 2 * 64)
        picture = pixels(event.encoded_image_string)
        above = torch.cat(list(images.pixels[::3]), dim=2)
        assert np.array_equal(picture[:, :64], above.numpy())
        below = 255 * model.decode(weights, mean)[0, ::3].sigmoid()
        gap = torch.from_numpy(picture[:, 64:].astype(np.float32)) - torch.cat(list(below), dim=2)
        assert float(gap.abs().max()) < 0.51

        # A row per unit with nine steps along it, the greatest KL first, from the first image.
        (event,) = found.Images(f"traversals/{name}")
        assert (event.width, event.height) == (9 * 64, 2 * 64)
        unit = int(kl.argmax())
        code = mean[0, 0].clone()
        code[unit] = mean[0, :, unit].quantile(0.05)
        decoded = 255 * model.decode(weights, code[None, None])[0, 0].sigmoid()
        corner = pixels(event.encoded_image_string)[:, :64, :64].astype(np.float32)
        assert float((torch.from_numpy(corner) - decoded).abs().max()) < 0.51
