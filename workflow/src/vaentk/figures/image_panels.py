"""Panels of labelled rows of images at one scale, as many beside each other as fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from vaentk.figures.compact import STRIPS
from vaentk.figures.contact_sheet import GAP, show, tiled
from vaentk.figures.style import Drawing, finish, styled

Images = NDArray[np.uint8]

CELL = 0.42
"""Inches a side of one image."""

APART = 4 * GAP
"""Pixels between groups of rows."""

LABEL, BESIDE = 8, 0.1
"""Points of a row's label, and inches of white to its sides."""

LINE, CHARACTER = 0.17, 0.08
"""Inches of a line of a title and of one of its characters, both at most."""

HEADING, EDGE = 0.26, 0.1
"""Inches for the heading of a panel, and of white to its right and below it."""

WIDEST, SENTENCE = 11.5, 7.2
"""Inches; panels that together are wider go on below; and of a sentence instead of panels."""


@dataclass(frozen=True)
class Panel:
    """Images in groups of rows: a label a row, and uint8 (rows, columns, c, h, w), values 0..255.

    Columns and sides of images are the same in all groups.
    """

    heading: str
    groups: Sequence[tuple[Sequence[str], Images]]

    @property
    def labels(self) -> list[str]:
        """Labels of all rows."""
        return [label for labels, _ in self.groups for label in labels]

    @property
    def scale(self) -> float:
        """Inches of a pixel."""
        return CELL / int(self.groups[0][1].shape[3])

    @property
    def margin(self) -> float:
        """Inches that the labels take."""
        lines = [line for label in self.labels for line in label.split("\n") if line]
        widths = [TextPath((0, 0), line, size=LABEL).get_extents().width for line in lines]
        return ceil(max(widths, default=0) / 72 * 100) / 100 + 2 * BESIDE

    def picture(self) -> tuple[Images, list[float]]:
        """Put all rows under each other on white; give their middles as coordinates of pixels."""
        parts: list[Images] = []
        middles, top = [], 0
        for _, images in self.groups:
            part = tiled(images)
            parts += [part, np.full((APART, *part.shape[1:]), 255, np.uint8)]
            side = images.shape[3]
            middles += [top + row * (side + GAP) + (side - 1) / 2 for row in range(len(images))]
            top += len(part) + APART
        return np.concatenate(parts[:-1]), middles

    def described(self, middles: Sequence[float]) -> dict[str, Any]:
        """Say what a page needs to take the images apart again: places are pixels."""
        _, columns, _, side, _ = self.groups[0][1].shape
        tops = [round(middle - (side - 1) / 2) for middle in middles]
        labels = [label.partition("\n")[0] for label in self.labels]
        return {
            "title": self.heading,
            "side": side,
            "step": side + GAP,
            "columns": columns,
            "rows": dict(zip(tops, labels, strict=True)),
        }


def draw(panels: Sequence[Panel], title: str, alt: str, *, traversals: bool = False) -> Drawing:
    """Draw panels of images of one size, as many beside each other as fit.

    The page puts a slider to ``traversals``, whose rows are images of a unit's rising value.
    """
    with styled():
        pictures = [panel.picture() for panel in panels]
        sizes = [
            (panel.scale * picture.shape[1], panel.scale * picture.shape[0])
            for panel, (picture, _) in zip(panels, pictures, strict=True)
        ]
        width, below, corners = _arranged([panel.margin for panel in panels], sizes)
        lines = wrap(title, int(width / CHARACTER))
        above = LINE * (len(lines) + 0.5)
        height = above + below
        figure = Figure(figsize=(width, height))
        middle = 1 - above / 2 / height
        figure.text(0.5, middle, "\n".join(lines), ha="center", va="center", fontsize=9.5)
        strips = {}
        for place, (panel, drawn) in enumerate(zip(panels, pictures, strict=True)):
            (left, down), size = corners[place], sizes[place]
            bottom = below - down - size[1]
            box = (left / width, bottom / height, size[0] / width, size[1] / height)
            axes = figure.add_axes(box)
            _rows(axes, panel, *drawn)
            if traversals:
                axes.images[0].set_gid(name := f"{STRIPS}{place}")
                strips[name] = panel.described(drawn[1])
        return finish(figure, alt, strips)


def sentence(text: str) -> Drawing:
    """Say in a line of text why there are no images."""
    with styled():
        lines = wrap(text, int(SENTENCE / CHARACTER))
        figure = Figure(figsize=(SENTENCE, LINE * (len(lines) + 3)))
        figure.text(0.5, 0.5, "\n".join(lines), ha="center", va="center")
        return finish(figure, f"A line of text: {text}")


def _arranged(
    margins: Sequence[float], sizes: Sequence[tuple[float, float]]
) -> tuple[float, float, list[tuple[float, float]]]:
    """Place panels: width and height of all, and how far right and down each picture is."""
    widths = [margin + size[0] + EDGE for margin, size in zip(margins, sizes, strict=True)]
    heights = [HEADING + size[1] + EDGE for size in sizes]
    places = range(len(sizes))
    if sum(widths) <= WIDEST:
        corners = [(sum(widths[:place]) + margins[place], HEADING) for place in places]
        return sum(widths), max(heights), corners
    margin, wide = max(margins), max(margins) + max(size[0] for size in sizes) + EDGE
    beside = max(1, int(WIDEST / wide))
    tallest = [max(heights[first : first + beside]) for first in places[::beside]]
    corners = [
        (place % beside * wide + margin, sum(tallest[: place // beside]) + HEADING)
        for place in places
    ]
    return wide * beside, sum(tallest), corners


def _rows(axes: Axes, panel: Panel, picture: Images, middles: Sequence[float]) -> None:
    show(axes, picture, middles, panel.labels)
    axes.set_aspect("auto")
    axes.set_title(panel.heading)
    axes.tick_params(pad=72 * BESIDE / 2, labelsize=LABEL)
