"""dSprites: the drawing against the even-odd rule by brute force and against published images."""

import hashlib
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vaentk.data.dsprites.drawing import GRID, draw, draw_all, unpack
from vaentk.data.dsprites.published import PUBLISHED_ON, agreement, compare, read
from vaentk.errors import UserError

RECORD = Path(__file__).parents[3] / "config" / "dsprites_agreement.json"
REAL = Path(os.environ.get("VAENTK_TEST_CACHE", "nowhere"), "dsprites")
REAL_PART = REAL / "dsprites_grid46080_real.npz"


def inside(corners: list[tuple[Fraction, Fraction]], x: Fraction, y: Fraction) -> bool:
    """Whether a point is inside a polygon, by the even-odd rule in exact arithmetic."""
    crossings = 0
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 < y) != (y2 < y):
            crossings += x1 + (y - y1) * (x2 - x1) / (y2 - y1) <= x
    return crossings % 2 == 1


def polygon(shape: int, scale: int, orientation: int, x: int, y: int) -> list:
    """Snapped corners by the documented geometry, in float64."""
    radius, a = 9.6, np.arange(150) / 150 * 2 * np.pi
    if shape == 0:
        corners = radius * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    elif shape == 1:
        a = np.arange(100) / 100 * 2 * np.pi
        corners = radius * np.stack([1.33 * np.cos(a), np.sin(a) / 1.33], 1)
    else:
        up = (13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)) / 14.5
        corners = radius * np.stack([np.sin(a) ** 3, -(up + 0.15)], 1)
    t = -2 * np.pi * orientation / 39
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    moved = (0.5 + 0.1 * scale) * corners @ turn.T + 16 + 32 * np.array([x, y]) / 31
    return [tuple(Fraction(round(256 * v), 256) for v in corner) for corner in moved.tolist()]


@pytest.mark.parametrize(
    "factors", [(0, 0, 7, 3, 28), (0, 5, 0, 31, 31), (1, 4, 22, 10, 0), (2, 2, 33, 17, 21)]
)
def test_a_pixel_is_on_when_its_centre_is_inside(factors: tuple[int, ...]) -> None:
    """These figures have no vertex near a tie, so float64 snaps as the drawing does."""
    corners = polygon(*factors)
    half = Fraction(1, 2)
    expected = [
        [inside(corners, column + half, row + half) for column in range(64)] for row in range(64)
    ]
    image = unpack(draw(GRID.indices(np.array([factors]))))[0]
    assert image.sum() > 0
    assert np.array_equal(image, np.array(expected))


def test_any_part_is_the_same_as_the_whole_in_any_order() -> None:
    whole = {}
    for number, block in enumerate(draw_all()):
        if number in (0, 400):
            whole[number] = block
        if number == 400:
            break
    generator = np.random.default_rng(0)
    for number, block in whole.items():
        some = generator.permutation(1024)[:50]
        assert np.array_equal(draw(1024 * number + some), block[some])
    mixed = generator.integers(len(GRID), size=40)
    assert np.array_equal(draw(mixed), np.concatenate([draw(mixed[k : k + 1]) for k in range(40)]))


def test_first_and_last_orientation_coincide() -> None:
    factors = np.array([[2, 3, 0, 5, 9], [2, 3, 39, 5, 9]])
    first, last = unpack(draw(GRID.indices(factors)))
    assert np.array_equal(first, last)


def test_whole_set_has_as_many_set_pixels_as_published_within_10() -> None:
    digest, total = hashlib.sha256(), 0
    for block in draw_all():
        digest.update(block.data)
        total += int(np.bitwise_count(block).sum())
    assert abs(total - PUBLISHED_ON) <= 10
    # The record of the comparison is of this very drawing.
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert record["checksum"] == f"sha256:{digest.hexdigest()}"


@pytest.mark.skipif(not REAL_PART.is_file(), reason="needs the real images in VAENTK_TEST_CACHE")
def test_real_images_differ_in_3_pixels() -> None:
    found = compare(REAL_PART, shown=100)
    assert found.images == 46_080
    assert found.pixels <= 3
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert (found.pixels, found.differing) == (record["pixels"], record["differing"])
    assert found.lines()[0] == "3 differing pixels in 3 images of 46080"


def published(path: Path, indices: np.ndarray, flip: int = 0, **latents: np.ndarray) -> Path:
    """A file like the published one, with the first pixels of its first images inverted."""
    images = unpack(draw(indices))
    images[:flip, 0, 0] ^= 1
    np.savez_compressed(path, imgs=images, **latents)
    return path


INDICES = np.random.default_rng(1).permutation(len(GRID))[:30]
CLASSES = GRID.values(INDICES)
VALUES = CLASSES * [1, 0.1, 2 * np.pi / 39, 1 / 31, 1 / 31] + [1, 0.5, 0, 0, 0]


@pytest.mark.parametrize(
    "latents",
    [
        {"original_dataset_indices": INDICES},
        {"latents_classes": CLASSES},
        {"latents_classes": np.c_[np.zeros(30, np.int64), CLASSES]},
        # A part that numbers its classes anew: its values tell.
        {"latents_classes": CLASSES % 2, "latents_values": VALUES},
    ],
    ids=["indices", "classes", "classes-with-colour", "values"],
)
def test_a_part_is_recognised_by_any_of_its_keys(tmp_path: Path, latents: dict) -> None:
    found = compare(published(tmp_path / "part.npz", INDICES, 2, **latents), 1)
    assert (found.images, found.pixels, found.differing) == (30, 2, 2)
    lines = found.lines()
    assert lines[0] == "2 differing pixels in 2 images of 30"
    assert lines[1].startswith(f"image {INDICES[0]} (shape {CLASSES[0, 0]}, ")
    assert lines[1].endswith("row 0 column 0 (drawn 0)")
    assert lines[2] == "and 1 more images"


def test_the_command_prints_the_count_and_the_places(tmp_path: Path) -> None:
    path = published(tmp_path / "part.npz", INDICES, 1, original_dataset_indices=INDICES)
    command = [sys.executable, "-m", "vaentk.data.dsprites", "compare", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "1 differing pixels in 1 images of 30"
    missing = subprocess.run([*command[:-1], "nowhere.npz"], capture_output=True, text=True)
    assert missing.returncode == 1
    assert missing.stderr == "nowhere.npz is missing: put it there, or download it.\n"


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"imgs": np.zeros((2, 64, 64), np.uint8)}, "does not tell which images it holds"),
        ({"images": np.zeros((2, 64, 64), np.uint8)}, "lacks the array imgs"),
        ({"imgs": np.zeros((2, 64, 32), np.uint8)}, "it is not a file of dSprites"),
        (
            {"imgs": np.zeros((2, 64, 64), np.uint8), "original_dataset_indices": np.arange(3)},
            "holds 2 images but says of 3 which they are",
        ),
        (
            {"imgs": np.zeros((1, 64, 64), np.uint8), "original_dataset_indices": [len(GRID)]},
            "Image 737280 does not exist",
        ),
    ],
)
def test_another_file_is_one_sentence(tmp_path: Path, arrays: dict, sentence: str) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=sentence):
        compare(path, 1)


def test_the_published_file_is_read_as_the_drawing_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.arange(len(GRID))[: 3 * 1024]
    path = published(tmp_path / "published.npz", whole)
    with pytest.raises(UserError, match="holds 3072 images where 737280 are expected"):
        read(path)
    monkeypatch.setattr(type(GRID), "__len__", lambda _: 3072)
    assert np.array_equal(np.concatenate(list(read(path))), draw(whole))


def test_agreement_says_what_was_compared_and_nothing_of_another_drawing() -> None:
    record = {"images": 46080, "pixels": 3, "differing": 2, "checksum": "sha256:1"}
    said = agreement(PUBLISHED_ON - 3, "sha256:1", record)
    assert said.startswith("3 differing pixels in 2 images of 46,080 published ones")
    assert said.endswith("128,328,859 set pixels in all, -3 against the published number")
    other = agreement(PUBLISHED_ON, "sha256:2", record)
    assert "46,080" not in other
    assert "other bytes" in other
