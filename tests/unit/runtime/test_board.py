"""What TensorBoard shows, read back with its own reader."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.distributions import Normal, kl_divergence

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime.board import Board, mosaic
from vaentk.training.minibatch import Member, Recipe, State, initial_state

MODEL = ConvVAE(3, 2)
MEMBERS = (Member(0, 1.0), Member(1, 2.5))
NAMES = ("seed-0-beta-1", "seed-1-beta-2.5")
RECIPE = Recipe(steps=100, batch=2, learning_rate=1e-3, record_every=10)


@pytest.fixture(scope="module")
def images() -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (20, 3, 64, 64), generator=generator, dtype=torch.uint8)
    facts = Facts(
        name="noise", dataset="noise", data="drawn", source="", shape=(3, 64, 64), official=20
    )
    return ImageSet(facts, pixels)


def state_at(steps: int) -> State:
    """A state after some updates: records of its own, the weights as they were drawn."""
    state = initial_state(MODEL, MEMBERS, "cpu")
    state.step = steps
    for step in range(0, steps, RECIPE.record_every):
        for place, member in enumerate(MEMBERS):
            kl, reconstruction = 0.1 + step + place, 1000.0 - step - place
            state.records.append(
                {
                    "seed": member.seed,
                    "beta": member.beta,
                    "step": step,
                    "loss": reconstruction + member.beta * kl,
                    "reconstruction": reconstruction,
                    "kl": kl,
                }
            )
    return state


def show(folder: Path, images: ImageSet, start: int, *steps: int) -> None:
    """Start, or go on, after some updates and look in after some more."""
    board = Board(folder, MODEL, images, MEMBERS, RECIPE, state_at(start))
    for step in steps:
        board.show(state_at(step))
    board.close()


def read(path: Path) -> EventAccumulator:
    """All events of a folder or of one file."""
    kinds = ("scalars", "histograms", "images")
    return EventAccumulator(str(path), size_guidance=dict.fromkeys(kinds, 0)).Reload()


def has_scalars_of(found: EventAccumulator, records: list[dict[str, float]]) -> bool:
    """Whether every record is there once and nothing else is, to float32."""
    expected: dict[str, list[tuple[float, float]]] = {}
    for record in records:
        name = NAMES[record["seed"]]
        for part in ("loss", "reconstruction", "kl"):
            value = float(np.float32(record[part]))
            expected.setdefault(f"{part}/{name}", []).append((record["step"], value))
    tags = found.Tags()["scalars"]
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in tags} == expected


def pixels(encoded: bytes) -> NDArray[np.uint8]:
    """Of a picture, (c, height, width)."""
    return np.asarray(Image.open(io.BytesIO(encoded))).transpose(2, 0, 1)


def test_scalars_are_the_records(images: ImageSet, tmp_path: Path) -> None:
    show(tmp_path, images, 0, 5, 9, 25, 29)
    assert has_scalars_of(read(tmp_path), state_at(29).records)


def test_ten_looks_a_run_at_the_ends_of_blocks(images: ImageSet, tmp_path: Path) -> None:
    """A look is due every 10 of 100 steps and comes with the first block after it."""
    show(tmp_path, images, 0, 5, 9, 25, 29, 30)
    tags = read(tmp_path).Tags()
    assert set(tags["histograms"]) == {f"kl_of_units/{name}" for name in NAMES}
    assert set(tags["images"]) == {
        f"{kind}/{name}" for kind in ("reconstructions", "traversals") for name in NAMES
    }
    for name in NAMES:
        found = read(tmp_path)
        assert [event.step for event in found.Histograms(f"kl_of_units/{name}")] == [24, 29]
        assert [event.step for event in found.Images(f"traversals/{name}")] == [24, 29]


def test_a_look_shows_kl_reconstructions_and_traversals(images: ImageSet, tmp_path: Path) -> None:
    """Of each member under its own name."""
    show(tmp_path, images, 0, 10)
    found, drawn = read(tmp_path), initial_state(MODEL, MEMBERS, "cpu").weights()
    for place, name in enumerate(NAMES):
        weights = {key: weight[place : place + 1] for key, weight in drawn.items()}
        mean, logvar = MODEL.encode(weights, images.pixels[None] / 255)
        kl = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(0, 1)).mean((0, 1))
        (event,) = found.Histograms(f"kl_of_units/{name}")
        shown = event.histogram_value
        assert shown.num == MODEL.latent_dim
        for ours, theirs in ((shown.min, kl.min()), (shown.max, kl.max()), (shown.sum, kl.sum())):
            assert ours == pytest.approx(float(theirs), rel=1e-4, abs=1e-7)

        # Seven images of the twenty: every third, above what they become.
        (event,) = found.Images(f"reconstructions/{name}")
        assert (event.width, event.height) == (7 * 64, 2 * 64)
        picture = pixels(event.encoded_image_string)
        above = torch.cat(list(images.pixels[::3]), dim=2)
        assert np.array_equal(picture[:, :64], above.numpy())
        below = 255 * MODEL.decode(weights, mean)[0, ::3].sigmoid()
        gap = torch.from_numpy(picture[:, 64:].astype(np.float32)) - torch.cat(list(below), dim=2)
        assert float(gap.abs().max()) < 0.51

        # A row a unit and nine steps along it, the greatest KL first, from the first image's code.
        (event,) = found.Images(f"traversals/{name}")
        assert (event.width, event.height) == (9 * 64, 2 * 64)
        unit = int(kl.argmax())
        code = mean[0, 0].clone()
        code[unit] = mean[0, :, unit].quantile(0.05)
        decoded = 255 * MODEL.decode(weights, code[None, None])[0, 0].sigmoid()
        corner = pixels(event.encoded_image_string)[:, :64, :64].astype(np.float32)
        assert float((torch.from_numpy(corner) - decoded).abs().max()) < 0.51


def test_a_resumed_run_writes_no_record_twice(images: ImageSet, tmp_path: Path) -> None:
    """Killed after step 50, taken up from the checkpoint after step 25."""
    show(tmp_path, images, 0, 25, 50)
    (first,) = tmp_path.iterdir()
    show(tmp_path, images, 25, 50, 75)
    (second,) = set(tmp_path.iterdir()) - {first}
    assert has_scalars_of(read(tmp_path), state_at(75).records)
    later = [record for record in state_at(75).records if record["step"] >= 25]
    assert has_scalars_of(read(second), later)


def test_a_resumed_run_keeps_the_look_at_its_checkpoint(images: ImageSet, tmp_path: Path) -> None:
    show(tmp_path, images, 0, 25, 50)
    show(tmp_path, images, 25, 50, 75)
    found = read(tmp_path)
    for name in NAMES:
        for events in (found.Histograms(f"kl_of_units/{name}"), found.Images(f"traversals/{name}")):
            assert len(events) == 3


def test_a_mosaic_has_its_pictures_in_rows_and_columns() -> None:
    """Four pictures of 2x2 pixels, of two channels that differ by 100."""
    pictures = torch.arange(16, dtype=torch.uint8).view(2, 2, 1, 2, 2)
    expected = [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    channel = torch.tensor(expected, dtype=torch.uint8)
    found = mosaic(torch.cat([pictures, pictures + 100], dim=2))
    assert torch.equal(found, torch.stack([channel, channel + 100]))
