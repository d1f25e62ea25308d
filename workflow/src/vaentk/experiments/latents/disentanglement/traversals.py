"""Traversals: what one latent unit draws while the others stay, a strip a unit, a panel a run."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaentk.figures.contact_sheet import GAP, tiled
from vaentk.figures.style import Drawing, finish, styled

CELL = 0.42
"""Inches a side of one image."""

MARGIN = 0.85
"""Inches for the labels of the rows."""

HEADING = 0.3
"""Inches for the title of a panel, and for that of the figure."""

GUTTER = 0.1
"""Inches to the right of a panel."""

WIDEST = 11.5
"""Inches; panels that together are wider go on below."""


def draw(strips: NDArray[np.uint8], rows: Mapping[str, Sequence[str]], title: str) -> Drawing:
    """Draw traversal strips of several runs, as many side by side as fit.

    Parameters
    ----------
    strips
        uint8 (panels, rows, columns, c, h, w), values 0..255; a row is a unit, a column a value.
    rows
        Labels of the rows by the title of their panel ("best: latent 50, seed 1, MIG 0.31"), in
        the order of the panels; fewer labels than rows leave the last rows of a panel away.
    title
        What the images are, with the words stand-in or drawn where they are that.
    """
    columns = strips.shape[2]
    wide = MARGIN + CELL * columns + GUTTER
    beside = max(1, min(int(WIDEST / wide), len(strips)))
    heights = [HEADING + CELL * len(labels) for labels in rows.values()]
    tallest = [max(heights[first : first + beside]) for first in range(0, len(heights), beside)]
    width, height = wide * beside, HEADING + sum(tallest)
    with styled():
        figure = Figure(figsize=(width, height))
        figure.text(0.5, 1 - HEADING / 2 / height, title, ha="center", va="center", fontsize=9.5)
        for place, (strip, (name, labels)) in enumerate(zip(strips, rows.items(), strict=True)):
            row, column = divmod(place, beside)
            left = MARGIN + column * wide
            top = height - HEADING - sum(tallest[:row])
            bottom = top - heights[place]
            size = (CELL * columns / width, CELL * len(labels) / height)
            axes = figure.add_axes((left / width, bottom / height, *size))
            _strips(axes, strip[: len(labels)], labels)
            start = (GUTTER - MARGIN) / (CELL * columns)
            axes.set_title(name, loc="left", x=start, fontsize=9)  # long ones end with the panel
        return finish(figure, _alt(rows, title, columns))


def _strips(axes: Axes, strip: NDArray[np.uint8], labels: Sequence[str]) -> None:
    axes.imshow(tiled(strip), interpolation="none", cmap="gray", vmin=0, vmax=255, aspect="auto")
    axes.grid(visible=False)
    height = strip.shape[3]
    axes.set_yticks(np.arange(len(labels)) * (height + GAP) + height / 2, labels)
    axes.set_xticks([])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_color("none")


def _alt(rows: Mapping[str, Sequence[str]], title: str, columns: int) -> str:
    panels = (
        f"{name}, rows {', '.join(' '.join(label.split()) for label in labels)}"
        for name, labels in rows.items()
    )
    return (
        f"{title}: traversals, a row of {columns} images for every unit as its value rises from "
        f"left to right. {'; '.join(panels)}."
    )
