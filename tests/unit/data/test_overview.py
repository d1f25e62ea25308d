"""Facts of image sets against plain numpy, and contact sheets that show what their labels say."""

import hashlib

import numpy as np
import pytest
import torch

from vaentk.data import overview
from vaentk.data.dsprites import drawing
from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet

COLOURED = np.random.default_rng(0).integers(256, size=(24, 3, 8, 8), dtype=np.uint8)


def coloured(**known: object) -> ImageSet:
    facts = Facts("cars3d", "cars3d", "real", "archive", (3, 8, 8), 24, (("a", 2), ("b", 12)))
    return ImageSet(facts, torch.from_numpy(COLOURED), **known)


def packed(n: int) -> tuple[ImageSet, np.ndarray]:
    bits = drawing.draw(np.arange(n) * 37)
    facts = Facts("dsprites", "dsprites", "drawn", "drawn", (1, 64, 64), n)
    return ImageSet(facts, torch.from_numpy(bits)), drawing.unpack(bits)


@pytest.mark.parametrize("block", [5, 4096])
def test_facts_are_numpys(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(overview, "BLOCK", block)
    row = overview.facts(coloured(parts=torch.tensor([0] * 20 + [1, 2, 2, 2], dtype=torch.uint8)))
    assert row["mean"] == pytest.approx((COLOURED / 255).mean(), rel=1e-14)
    assert row["std"] == pytest.approx((COLOURED / 255).std(), rel=1e-13)
    assert row["lit"] == np.count_nonzero(COLOURED)
    assert row["checksum"] == f"sha256:{hashlib.sha256(COLOURED.tobytes()).hexdigest()}"
    assert (row["images"], row["channels"], row["height"]) == (24, 3, 8)
    assert row["factors"] == "a (2), b (12)"
    assert row["parts"] == "20 train, 1 validation, 3 test"


def test_facts_of_bits_are_those_of_their_pixels() -> None:
    images, pixels = packed(50)
    row = overview.facts(images)
    assert row["lit"] == pixels.sum()
    assert row["mean"] == pytest.approx(pixels.mean(), rel=1e-14)
    assert row["std"] == pytest.approx(pixels.std(), rel=1e-13)
    assert row["parts"] == ""


def test_a_row_varies_one_factor_and_a_short_one_ends_white() -> None:
    sheet, labels = overview.contact_sheet(coloured(), np.random.default_rng(0))
    assert labels == ["a", "b", "at random"]
    grid = COLOURED.reshape(2, 12, 3, 8, 8)
    assert np.array_equal(sheet[0, :2], grid[:, 4])
    assert (sheet[0, 2:] == 255).all()
    assert np.array_equal(sheet[1], grid[0])
    assert len({image.tobytes() for image in sheet[2]}) == 12


def test_images_without_factors_are_drawn_at_random() -> None:
    images, pixels = packed(60)
    sheet, labels = overview.contact_sheet(images, np.random.default_rng(0))
    assert labels == ["at random"] * 2
    assert sheet.shape == (2, 12, 1, 64, 64)
    known = {image.tobytes() for image in pixels}
    assert all((image // 255).tobytes() in known for image in sheet.reshape(-1, 64, 64))
