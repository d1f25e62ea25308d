"""Figure 4's pictures: every image in its place, labels beside their rows, honest words."""

import base64
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.experiments.latents.discovery.figure_pictures import (
    discovery_found,
    discovery_gallery,
    extent,
)
from vaentk.figures import image_panels
from vaentk.figures.contact_sheet import GAP
from vaentk.figures.image_panels import Panel
from vaentk.figures.style import Drawing

Images = NDArray[np.uint8]

SIDE = 6
STEP = SIDE + GAP


def strips(rows: int, columns: int, first: int = 0, channels: int = 3) -> Images:
    """Images of one value each, counted up along the rows; their upper left pixel is 255 minus."""
    values = np.arange(first, first + rows * columns, dtype=np.uint8)
    images = values.reshape(rows, columns, 1, 1, 1).repeat(channels, axis=2)
    images = images.repeat(SIDE, axis=3).repeat(SIDE, axis=4)
    images[..., 0, 0] = 255 - images[..., 0, 0]
    return images


def values(picture: Any, tops: list[int], columns: int) -> list[list[int]]:
    """Read the values of a mosaic whose rows begin at `tops`; all else must be white."""
    left = np.array(picture)
    rows = []
    for top in tops:
        row = []
        for column in range(columns):
            place = (slice(top, top + SIDE), slice(column * STEP, column * STEP + SIDE))
            cell = left[place].copy()
            left[place] = 255
            value = int(cell[-1, -1].flat[0])
            assert (cell[0, 0] == 255 - value).all(), "upside down or mirrored"
            assert (cell.reshape(SIDE * SIDE, -1)[1:] == value).all()
            row.append(value)
        rows.append(row)
    assert (left == 255).all()
    assert left.shape[:2] == (tops[-1] + SIDE, columns * STEP - GAP)
    return rows


def counted(rows: int, columns: int, first: int = 0) -> list[list[int]]:
    return (first + np.arange(rows * columns)).reshape(rows, columns).tolist()


def drawn_from(draw: Callable[..., Drawing], arrays: dict[str, Images], **rows: object) -> Drawing:
    """Draw the pictures of one run, whose rows are said in the note."""
    note = {"images": 5_000, "official": 5_000, "seed": 2} | rows
    runs = Runs({}, {"faces": "faces, stand-in"})
    return draw({"faces": Stored(arrays, json.dumps(note))}, runs=runs)


def draw_panels(columns: int = 4, channels: int = 3) -> Drawing:
    """Two panels of two and three rows."""
    named = ["unit 0  KL 3.1\nSmiling 0.71", "unit 7  KL 1.0\nPale Skin 0.56", "unit 9"]
    panels = [
        Panel("latent 10", [(named[:2], strips(2, columns, channels=channels))]),
        Panel("latent 256", [(named, strips(3, columns, 100, channels=channels))]),
    ]
    return image_panels.draw(panels, "faces", "two panels")


def draw_found(rows: int = 3) -> Drawing:
    names = ["Smiling", "Wavy_Hair", "Bald"][:rows]
    described = [
        {"attribute": name, "wide_unit": 9, "wide_auc": 0.8125}
        | {"narrow_unit": 1, "narrow_auc": 0.5625, "difference": 0.25 - place / 8}
        | {"difference_low": -0.5, "difference_high": 0.75}
        for place, name in enumerate(names)
    ]
    both = np.stack([strips(rows, 4), strips(rows, 4, 100)], axis=1)
    return drawn_from(discovery_found, {"found": both}, found=described, wide=256, narrow=10)


def draw_gallery(latents: tuple[int, ...] = (10, 256)) -> Drawing:
    arrays = {}
    for place, latent in enumerate(latents):
        arrays |= {
            f"gallery/{latent}/originals": strips(2, 4, place),
            f"gallery/{latent}/reconstructions": strips(2, 4, 20 + place),
            f"gallery/{latent}/samples": strips(1, 4, 40 + place),
            f"gallery/{latent}/interpolations": strips(3, 4, 60 + place),
        }
    return drawn_from(discovery_gallery, arrays, latents=list(latents))


DRAWINGS: dict[str, tuple[Callable[[], Drawing], str]] = {
    "found": (
        draw_found,
        "faces, stand-in, seed 2: 3 rows, an attribute and a face each, of 4 images on the left "
        "as the unit of latent 256 that tells the attribute best moves towards it, and on the "
        "right as the best unit of latent 10 does. Attributes, with the mean difference of the "
        "areas over all seeds: Smiling 0.25 [−0.5, 0.75]; Wavy Hair 0.125 [−0.5, 0.75]; "
        "Bald 0 [−0.5, 0.75].",
    ),
    "none found": (
        lambda: draw_found(0),
        "A line of text: No attribute is told better by latent 256 than by latent 10 in faces, "
        "stand-in, seed 2.",
    ),
    "gallery": (
        draw_gallery,
        "faces, stand-in, seed 2: for each latent size (10, 256), 8 faces above their "
        "reconstructions, 4 samples from the prior, and 3 rows of 4 images from one "
        "face to another.",
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_is_svg_with_words_and_stable_bytes(name: str) -> None:
    draw, words = DRAWINGS[name]
    drawing = draw()
    assert ElementTree.fromstring(drawing.svg).tag.endswith("svg")
    assert drawing.alt == words
    assert draw() == drawing


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Figure]:
    """Return the figure itself, before it is saved."""

    def draw(drawing: Callable[..., Any], *options: Any) -> Figure:
        monkeypatch.setattr(image_panels, "finish", lambda figure, alt, strips=None: figure)
        figure: Figure = drawing(*options)
        return figure

    return draw


def labels(figure: Figure, panel: int) -> list[str]:
    return [text.get_text() for text in figure.axes[panel].get_yticklabels()]


@pytest.mark.parametrize("channels", [1, 3])
def test_panels_stand_beside_each_other_with_their_own_strips(
    drawn: Callable[..., Figure], channels: int
) -> None:
    figure = drawn(draw_panels, 4, channels)
    narrow, wide = figure.axes
    assert [axes.get_title() for axes in (narrow, wide)] == ["latent 10", "latent 256"]
    picture = narrow.images[0].get_array()
    assert picture is not None
    assert picture.ndim == (2 if channels == 1 else 3)
    assert values(picture, [0, STEP], 4) == counted(2, 4)
    assert values(wide.images[0].get_array(), [0, STEP, 2 * STEP], 4) == counted(3, 4, 100)
    assert labels(figure, 0) == ["unit 0  KL 3.1\nSmiling 0.71", "unit 7  KL 1.0\nPale Skin 0.56"]


def test_the_saved_picture_is_the_mosaic_pixel_by_pixel() -> None:
    images = re.findall(r"data:image/png;base64,\s*([^\"]+)", draw_panels().svg)
    assert len(images) == 2
    with Image.open(io.BytesIO(base64.b64decode(images[0]))) as png:
        picture = np.asarray(png.convert("RGB"))
    assert values(picture, [0, STEP], 4) == counted(2, 4)


def test_found_attributes_have_both_networks_on_the_same_row(
    drawn: Callable[..., Figure],
) -> None:
    figure = drawn(draw_found)
    wide, narrow = figure.axes
    assert wide.get_title() == "latent 256: its best unit"
    assert narrow.get_title() == "latent 10: its best unit"
    apart = STEP + image_panels.APART - GAP
    tops = [0, apart, 2 * apart]
    assert values(wide.images[0].get_array(), tops, 4) == counted(3, 4)
    assert values(narrow.images[0].get_array(), tops, 4) == counted(3, 4, 100)
    assert labels(figure, 0)[:2] == [
        "Smiling 0.81\nmore by 0.25 [−0.5, 0.75]",
        "Wavy Hair 0.81\nmore by 0.125 [−0.5, 0.75]",
    ]
    assert labels(figure, 1) == ["unit 1\nAUC 0.56"] * 3
    assert wide.get_position().y0 == narrow.get_position().y0


def test_a_sentence_stands_where_nothing_is_found(drawn: Callable[..., Figure]) -> None:
    figure = drawn(draw_found, 0)
    assert figure.axes == []
    sentence = (
        "No attribute is told better by latent 256 than by latent 10 in faces, stand-in, seed 2."
    )
    assert [text.get_text() for text in figure.texts] == [sentence]


def test_a_gallery_has_every_face_above_its_reconstruction(drawn: Callable[..., Figure]) -> None:
    figure = drawn(draw_gallery)
    apart = image_panels.APART - GAP
    gaps = [0, 0, 1, 1, 2, 3, 3, 3]
    tops = [row * STEP + gap * apart for row, gap in enumerate(gaps)]
    for panel, axes in enumerate(figure.axes):
        firsts = [0, 20, 4, 24, 40, 60, 64, 68]
        rows = [counted(1, 4, first + panel)[0] for first in firsts]
        assert values(axes.images[0].get_array(), tops, 4) == rows
        assert axes.get_yticks().tolist() == [top + (SIDE - 1) / 2 for top in tops]
        assert labels(figure, panel) == [
            *["original", "reconstruction"] * 2,
            *("samples from\nthe prior", "between\ntwo faces", "", ""),
        ]


@pytest.mark.parametrize(("columns", "beside"), [(7, True), (14, False)])
def test_panels_have_one_scale_and_room_for_their_labels(
    drawn: Callable[..., Figure], columns: int, beside: bool
) -> None:
    figure = drawn(draw_panels, columns)
    figure.draw_without_rendering()
    pictures = [axes.get_window_extent() for axes in figure.axes]
    cell = image_panels.CELL * figure.dpi
    for axes, box in zip(figure.axes, pictures, strict=True):
        picture = axes.images[0].get_array()
        assert picture is not None
        np.testing.assert_allclose(
            (box.height / picture.shape[0] * SIDE, box.width / picture.shape[1] * SIDE), cell
        )
        for row, text in enumerate(axes.get_yticklabels()):
            label = text.get_window_extent()
            middle = box.y1 - cell * (0.5 + row * STEP / SIDE)
            assert (label.y0 + label.y1) / 2 == pytest.approx(middle, abs=2)
            assert label.height < cell
            assert label.x1 < box.x0
            left = pictures[0].x1 if beside and axes is figure.axes[1] else 0
            assert label.x0 > left
    first, second = pictures
    assert (second.x0 > first.x1) == beside
    assert (second.y1 < first.y0) != beside
    assert figure.get_size_inches()[0] <= image_panels.WIDEST


def test_a_long_title_is_broken_into_lines(drawn: Callable[..., Figure]) -> None:
    panel = image_panels.Panel("latent 10", [(["a"], strips(1, 4))])
    figure = drawn(image_panels.draw, [panel], "stand-in for CelebA (drawn), 10,000 images", "")
    figure.draw_without_rendering()
    title = figure.texts[0].get_window_extent()
    assert "\n" in figure.texts[0].get_text()
    assert title.x0 > 0
    assert title.x1 < figure.bbox.x1
    assert title.y0 > figure.axes[0].title.get_window_extent().y1


def test_a_title_says_how_many_of_the_official_images_there_were() -> None:
    assert extent("CelebA (partial)", 10_000, 202_599) == (
        "CelebA (partial): 10,000 of 202,599 images"
    )
    assert extent("CelebA", 202_599, 202_599) == "CelebA"
    assert extent("stand-in for CelebA (drawn)", 5_000, 5_000).endswith("(drawn)")
