"""What a figure says of its curves, against where matplotlib itself puts them."""

import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from vaentk.figures.readings import plain
from vaentk.figures.style import REFERENCE, finish, styled

SVG = {"svg": "http://www.w3.org/2000/svg", "dc": "http://purl.org/dc/elements/1.1/"}


def drawn(figure: Figure) -> tuple[ElementTree.Element, list[dict]]:
    """Finish a figure; return its SVG and the panels that it describes."""
    root = ElementTree.fromstring(finish(figure, "").svg)
    about = root.find(".//dc:description", SVG)
    assert about is not None
    return root, json.loads(about.text or "")["panels"]


def values(root: ElementTree.Element, panel: dict, name: str) -> np.ndarray:
    """Read a curve's points as a page does: from coordinates, the box and the limits."""
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    left, low, wide, high = np.array(panel["box"]) * [width, height, width, height]
    group = root.find(f".//svg:g[@id='{name}']", SVG)
    assert group is not None
    marks = [(use.attrib["x"], use.attrib["y"]) for use in group.iterfind(".//svg:use", SVG)]
    path = group.find("svg:path", SVG)
    points = marks or re.findall(r"[ML] (\S+) (\S+)", "" if path is None else path.attrib["d"])
    places = np.array(points, float)
    parts = np.stack([(places[:, 0] - left) / wide, (height - low - places[:, 1]) / high], 1)
    return np.stack([_at(parts[:, 0], *panel["x"][:3]), _at(parts[:, 1], *panel["y"][:3])], 1)


def _at(part: np.ndarray, scale: str, low: float, high: float) -> np.ndarray:
    return low * (high / low) ** part if scale == "log" else low + part * (high - low)


@pytest.mark.parametrize("scales", [("log", "log"), ("log", "linear"), ("linear", "linear")])
@pytest.mark.parametrize("marker", ["", "o"])
def test_values_come_back_from_the_drawing(scales: tuple[str, str], marker: str) -> None:
    x, y = np.array([3.0, 20.0, 50.0, 1000.0]), np.array([0.2, 7.0, 0.03, 40.0])
    with styled():
        figure = Figure(figsize=(6, 3), layout="constrained")
        parts = figure.subfigures(1, 2)
        parts[0].subplots().plot([0, 1], [0, 1])
        axes = parts[1].subplots()
        axes.plot(x, y, marker=marker)
        axes.set(xscale=scales[0], yscale=scales[1])
        root, panels = drawn(figure)
    (name,) = panels[1]["curves"]
    read = values(root, panels[1], name)
    # The drawing has two decimals of a point: half a hundredth of some hundred points, of an axis
    # that is 1000 long or, as a logarithm, 8.
    for place, (scale, true) in enumerate(zip(scales, (x, y), strict=True)):
        rtol, atol = (5e-4, 0) if scale == "log" else (0, 5e-5 * np.ptp(true))
        np.testing.assert_allclose(read[:, place], true, rtol=rtol, atol=atol)


def test_ticks_with_names_are_told_by_them_and_ticks_with_numbers_are_not() -> None:
    with styled():
        figure = Figure()
        named, numbered = figure.subplots(1, 2)
        for axes in (named, numbered):
            axes.plot([0, 1, 2], [3, 4, 5], "o")
        named.set_xticks([0, 1, 2], ["encoder", r"$\beta$ (2)", ""])
        numbered.set_xticks([0, 1, 2], ["64", "", "−1"])
        _, panels = drawn(figure)
    assert panels[0]["x"][3:] == [{"encoder": 0, "β (2)": 1}]
    assert panels[0]["y"][3:] == panels[1]["x"][3:] == []


def test_a_curve_is_called_what_the_legend_calls_its_look() -> None:
    with styled():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1, 2], [3, 4], "C0", label=r"$\beta$ = -0.1")
        axes.plot([1, 2], [3, 5], "C0o")
        axes.plot([1, 2], [3, 6], ":", color=REFERENCE)
        axes.plot([1, 2], [3, 7], "--", color=REFERENCE)
        axes.plot([1, 2], [3, 8], "C1")
        axes.plot([], [], ":", color=REFERENCE, label="$m^{-1/2}$")
        axes.errorbar([1], [2], yerr=[1], color="C2", label="seed-to-seed")
        axes.legend()
        _, panels = drawn(figure)
    names = [curve["label"] for curve in panels[0]["curves"].values()]
    assert names[:5] == ["β = −0.1", "β = −0.1", "m^−1/2", "", ""]
    assert names[5] == "seed-to-seed"


def test_the_legend_of_a_panel_goes_before_those_of_others() -> None:
    with styled():
        figure = Figure()
        for axes, label in zip(figure.subplots(1, 3), ("bound", "power", ""), strict=True):
            axes.plot([1, 2], [3, 4], ":", color=REFERENCE)
            if label:
                axes.plot([], [], ":", color=REFERENCE, label=label)
                axes.legend()
        _, panels = drawn(figure)
    curves = [next(iter(panel["curves"].values())) for panel in panels]
    assert [curve["label"] for curve in curves] == ["bound", "power", ""]
    assert [curve["points"] for curve in curves] == [2, 2, 2]


def test_what_no_page_can_read_is_left_out() -> None:
    with styled():
        figure = Figure()
        picture, threshold, bent = figure.subplots(1, 3)
        picture.imshow(np.eye(3))
        threshold.axhline(3.0)
        bent.plot([1, 2], [3, 4])
        bent.set_yscale("symlog")
        _, panels = drawn(figure)
    assert panels == []


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (r"$\log n / \sqrt{n}$, through a point", "log n / √n, through a point"),
        (r"$\sigma_0$ = 0.5: $n^{-1.50}$", "σ_0 = 0.5: n^−1.50"),
        ("score, leave-one-out", "score, leave-one-out"),
    ],
)
def test_mathematics_is_written_out(label: str, words: str) -> None:
    assert plain(label) == words
