"""The drawings that matplotlib writes, made smaller: what is seen stays."""

import base64
import re
import xml.etree.ElementTree as ET
from io import BytesIO, StringIO

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from vaentk.figures.compact import CURVE, compact
from vaentk.figures.style import styled

NUMBERS = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
"""A picture of more colours than a palette has."""


def written(picture: np.ndarray = PIXELS) -> str:
    """A drawing with everything in it: marks, lines, a band, text, a picture."""
    with styled():
        figure = Figure(figsize=(6, 3))
        left, right = figure.subplots(1, 2)
        x = np.linspace(0.1, 3, 40)
        (line,) = left.plot(x, np.sin(x), "o-", label="sine")
        line.set_gid(f"{CURVE}0-0")
        left.fill_between(x, np.sin(x) - 0.1, np.sin(x) + 0.1, alpha=0.3)
        left.set_title(r"$\Vert \Theta(t) \Vert_2$ against $t$")
        left.legend()
        right.imshow(picture, interpolation="none")
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Description": '{"a": 1}'})
        return text.getvalue()


def elements(svg: str, name: str) -> list[ET.Element]:
    return ET.fromstring(svg).findall(f".//{{http://www.w3.org/2000/svg}}{name}")


def picture_in(svg: str) -> np.ndarray:
    (found,) = elements(svg, "image")
    href = found.get("href") or found.get("{http://www.w3.org/1999/xlink}href") or ""
    raw = base64.b64decode(href.partition(",")[2])
    read = matplotlib.image.imread(BytesIO(raw))
    return (read[..., :3] * 255).round().astype(np.uint8)


def test_it_takes_much_less_room_and_has_equal_bytes() -> None:
    svg = written()
    assert len(compact(svg)) < 0.6 * len(svg)
    assert compact(svg) == compact(written())


def test_lines_lie_where_they_lay() -> None:
    svg = written()
    drawn = [
        [[float(number) for number in NUMBERS.findall(path.get("d", ""))] for path in paths]
        for paths in (elements(svg, "path"), elements(compact(svg), "path"))
    ]
    assert len(drawn[0]) > 40
    for before, after in zip(*drawn, strict=True):
        # Rounded to a hundredth of a point.
        assert after == pytest.approx(before, abs=0.00501)


def test_marks_glyphs_and_names_are_all_there() -> None:
    svg = written()
    small = compact(svg)
    assert len(elements(svg, "use")) == len(elements(small, "use")) > 60
    names = {element.get("id") for element in ET.fromstring(small).iter() if element.get("id")}
    assert f"{CURVE}0-0" in names
    wanted = set(re.findall(r"url\(#([^)]*)\)", small)) | set(re.findall(r'href="#([^"]*)"', small))
    assert wanted == names - {f"{CURVE}0-0"}
    assert '{"a": 1}' in small


def test_every_style_is_one_that_matplotlib_wrote() -> None:
    svg = written()
    small = compact(svg)
    wrote = set(re.findall(r'style="([^"]*)"', svg))
    sheet = dict(re.findall(r"\.(\w+)\{([^}]*)\}", small))
    assert set(sheet.values()) | set(re.findall(r'style="([^"]*)"', small)) == wrote
    assert set(re.findall(r'class="([^"]*)"', small)) == set(sheet)


@pytest.mark.parametrize("shades", [2, 200, 256**3], ids=["two", "palette", "all"])
def test_a_picture_keeps_every_pixel(shades: int) -> None:
    picture = PIXELS if shades > 256 else np.repeat(PIXELS[..., :1] % shades, 3, axis=2)
    svg = written(picture)
    assert np.array_equal(picture_in(compact(svg)), picture)
    assert np.array_equal(picture_in(svg), picture)
    (before,), (after,) = (elements(text, "image") for text in (svg, compact(svg)))
    assert before.get("transform") == after.get("transform")


def test_a_picture_that_is_seen_through_stays_as_it_is() -> None:
    seen_through = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 128, np.uint8)])
    svg = written(seen_through)
    href = "{http://www.w3.org/1999/xlink}href"
    assert elements(svg, "image")[0].get(href) == elements(compact(svg), "image")[0].get("href")
