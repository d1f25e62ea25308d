"""Image sets: pixels packed and not, by number, in parts, mapped and moved."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vaentk.data.facts import PARTS, Facts
from vaentk.data.grid import Grid
from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.runtime import io

SIZES = (2, 3, 4)
FACTS = Facts(
    name="shapes",
    dataset="dsprites",
    data="drawn",
    source="these tests",
    shape=(1, 8, 16),
    official=24,
    factors=(("kind", 2), ("size", 3), ("x", 4)),
)
GENERATOR = np.random.default_rng(0)
BITS = GENERATOR.integers(0, 2, (24, 1, 8, 16), dtype=np.uint8)
COLOURS = GENERATOR.integers(0, 256, (10, 3, 4, 5), dtype=np.uint8)
ATTRIBUTES = GENERATOR.integers(0, 2, (10, 2), dtype=np.uint8)
PLACES = np.array([0, 2, 1, 0, 0, 1, 2, 0, 0, 0], np.uint8)
COLOUR_FACTS = Facts(
    name="faces",
    dataset="celeba",
    data="partial",
    source="these tests",
    shape=(3, 4, 5),
    official=1000,
    attributes=("Smiling", "Male"),
)


def pack(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Eight pixels a byte by the words of `ImageSet`: the leftmost has the weight 1."""
    eights = bits.reshape(len(bits), -1, 8)
    weights = np.array([1, 2, 4, 8, 16, 32, 64, 128], np.uint8)
    return np.asarray((eights * weights).sum(axis=2, dtype=np.uint8))


def shapes() -> ImageSet:
    return ImageSet(FACTS, torch.from_numpy(BITS * 255))


def packed_shapes() -> ImageSet:
    return ImageSet(FACTS, torch.from_numpy(pack(BITS)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of images, written in two blocks."""
    path = tmp_path / "faces.safetensors"
    others = {"attributes": ATTRIBUTES, "parts": PLACES}
    io.write_blocks([COLOURS[:6], COLOURS[6:]], COLOURS.shape, path, others, COLOUR_FACTS.text())
    return path


def mapped(path: Path) -> ImageSet:
    return ImageSet.of(io.map_tensors(path), io.read_note(path))


# Facts


@pytest.mark.parametrize("facts", [FACTS, COLOUR_FACTS])
def test_facts_are_one_line_that_is_read_back(facts: Facts) -> None:
    assert "\n" not in facts.text()
    assert Facts.of(facts.text()) == facts


def test_factors_are_a_grid() -> None:
    assert FACTS.grid == Grid(("kind", "size", "x"), SIZES)
    assert COLOUR_FACTS.grid is None


# Images by number


def test_packed_and_unpacked_images_are_the_same() -> None:
    numbers = torch.tensor([3, 0, 23, 3])
    plain, packed = shapes(), packed_shapes()
    assert (plain.packed, packed.packed) == (False, True)
    assert packed.pixels.shape == (24, 16)
    assert len(plain) == len(packed) == 24
    for images in (plain.images(numbers), packed.images(numbers)):
        assert images.dtype == torch.uint8
        np.testing.assert_array_equal(images.numpy(), BITS[numbers.numpy()] * 255, strict=True)


def test_first_pixel_of_a_byte_is_its_lowest_bit() -> None:
    """Bit 0 of byte 0 is the top left pixel; bit 7 of byte 3 ends the second row of 16."""
    pixels = torch.zeros(1, 16, dtype=torch.uint8)
    pixels[0, 0], pixels[0, 3] = 1, 128
    image = ImageSet(FACTS, pixels).images(torch.tensor([0]))
    assert image.nonzero().tolist() == [[0, 0, 0, 0], [0, 0, 1, 15]]
    assert image.max() == 255


@pytest.mark.parametrize("make", [shapes, packed_shapes])
def test_no_numbers_give_no_images(make: Callable[[], ImageSet]) -> None:
    assert make().images(torch.empty(0, dtype=torch.int64)).shape == (0, 1, 8, 16)


def test_a_file_of_grey_images_has_one_channel() -> None:
    images = ImageSet.of({"images": torch.from_numpy(BITS[:, 0])}, FACTS.text())
    assert images.facts == FACTS
    assert images.pixels.shape == (24, 1, 8, 16)
    assert images.attributes is images.parts is None


def test_a_file_of_bits_stays_packed() -> None:
    images = ImageSet.of({"images": torch.from_numpy(pack(BITS))}, FACTS.text())
    assert images.packed
    np.testing.assert_array_equal(images.images(torch.arange(24)).numpy(), BITS * 255)


# Parts


def test_parts_are_their_numbers(file: Path) -> None:
    faces = mapped(file)
    for number, part in enumerate(PARTS):
        chosen = faces.of_part(part)
        assert chosen.dtype == torch.int64
        assert chosen.tolist() == np.flatnonzero(number == PLACES).tolist()
    assert faces.of_part("validation").tolist() == [2, 5]


def test_without_parts_all_images_are_of_every_part() -> None:
    for part in PARTS:
        assert shapes().of_part(part).tolist() == list(range(24))


@pytest.mark.parametrize("places", [PLACES, np.sort(PLACES)])
def test_one_part_alone(places: NDArray[np.uint8]) -> None:
    """A view where its images lie together, and a copy where not."""
    parts = torch.from_numpy(places)
    faces = ImageSet(COLOUR_FACTS, torch.from_numpy(COLOURS), torch.from_numpy(ATTRIBUTES), parts)
    for number, part in enumerate(PARTS):
        alone, there = faces.only(part), np.flatnonzero(number == places)
        np.testing.assert_array_equal(alone.images(torch.arange(len(there))), COLOURS[there])
        assert alone.attributes is not None
        np.testing.assert_array_equal(alone.attributes, ATTRIBUTES[there])
        assert alone.of_part(part).tolist() == list(range(len(there)))
        shared = (
            alone.pixels.untyped_storage().data_ptr() == faces.pixels.untyped_storage().data_ptr()
        )
        assert shared == (np.ptp(there) == len(there) - 1)


def test_a_part_of_a_grid_is_no_grid() -> None:
    assert shapes().only("test").facts.grid is None


# Memory


def test_a_written_file_is_read_back(file: Path) -> None:
    faces = mapped(file)
    assert faces.facts == COLOUR_FACTS
    assert faces.attributes is not None
    assert faces.parts is not None
    assert faces.device == torch.device("cpu")
    np.testing.assert_array_equal(faces.images(torch.arange(10)).numpy(), COLOURS, strict=True)
    np.testing.assert_array_equal(faces.attributes.numpy(), ATTRIBUTES, strict=True)
    np.testing.assert_array_equal(faces.parts.numpy(), PLACES, strict=True)


def test_mapped_pixels_are_the_file_itself(file: Path) -> None:
    """A byte changed in the file changes in the images: there is no copy of it."""
    faces = mapped(file).to("cpu")
    changed = 255 - COLOURS[-1, -1, -1, -1]
    with file.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(changed.tobytes())
    assert faces.images(torch.tensor([9]))[0, -1, -1, -1] == changed


def test_moving_to_where_the_images_are_copies_nothing(file: Path) -> None:
    tensors = io.map_tensors(file)
    faces = ImageSet.of(tensors, COLOUR_FACTS.text())
    moved = faces.to("cpu")
    for before, after in (
        (tensors["images"], moved.pixels),
        (tensors["attributes"], moved.attributes),
        (tensors["parts"], moved.parts),
    ):
        assert after is not None
        assert after.data_ptr() == before.data_ptr()
    assert moved.facts == faces.facts


@pytest.mark.usefixtures("gpu")
def test_images_on_a_gpu_are_the_same() -> None:
    numbers = torch.tensor([3, 0, 23, 3])
    for here in (shapes(), packed_shapes(), replace(shapes(), parts=torch.arange(24) % 3)):
        there = here.to("cuda")
        assert there.device.type == there.of_part("test").device.type == "cuda"
        assert torch.equal(there.images(numbers.cuda()).cpu(), here.images(numbers))
        assert torch.equal(there.of_part("test").cpu(), here.of_part("test"))


@pytest.mark.parametrize("images", [shapes, packed_shapes])
def test_pooled_images_are_means_of_blocks_rounded(images: Callable[[], ImageSet]) -> None:
    """Against numpy's mean over blocks of 2x2; halves round to even in both."""
    chosen = torch.tensor([3, 0, 17])
    pooled = images().pooled(4)
    assert pooled.facts.shape == (1, 4, 8)
    blocks = BITS[chosen.numpy()].astype(float).reshape(3, 1, 4, 2, 8, 2) * 255
    expected = blocks.mean(axis=(3, 5)).round().astype(np.uint8)
    np.testing.assert_array_equal(pooled.images(chosen).numpy(), expected)
    twice = pooled.pooled(2)
    assert twice.images(chosen).shape == (3, 1, 2, 4)
    assert (twice.pooling, pooled.pooled(4).pooling) == (4, 2)


def test_a_side_that_blocks_do_not_fill_is_refused() -> None:
    with pytest.raises(UserError, match="have 8 pixels a side, which cannot be pooled to 3"):
        shapes().pooled(3)
