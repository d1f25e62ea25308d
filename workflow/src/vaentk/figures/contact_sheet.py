"""Images of a data set in rows, each along one factor or drawn at random."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaentk.figures.style import Drawing, finish, styled

CELL = 0.56
"""Inches a side of one image."""

MARGIN = 1.0
"""Inches for the labels of the rows."""

GAP = 2
"""Pixels between images."""


def draw(sheet: NDArray[np.uint8], labels: list[str], title: str) -> Drawing:
    """Draw a sheet, uint8 (rows, columns, c, h, w), with a label for each row.

    Equal labels that follow each other are written once; the title says what the images are.
    """
    rows, columns = sheet.shape[:2]
    with styled():
        size = (MARGIN + CELL * columns, CELL * rows + 0.35)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.set_title(title)
        step = sheet.shape[3] + GAP
        show(axes, tiled(sheet), np.arange(rows) * step + sheet.shape[3] / 2, _once(labels))
        kinds = ", ".join(dict.fromkeys(labels))
        alt = f"{title}: {rows} rows of {columns} images; the rows: {kinds}."
        return finish(figure, alt)


def show(axes: Axes, picture: NDArray[np.uint8], middles: ArrayLike, labels: Sequence[str]) -> None:
    """Show rows of images without a frame, each labelled at its middle, in pixels from the top."""
    axes.imshow(picture, interpolation="none", cmap="gray", vmin=0, vmax=255)
    axes.grid(visible=False)
    axes.set_yticks(np.asarray(middles), labels)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_color("none")


def tiled(sheet: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put images side by side on white: uint8 (rows, columns, c, h, w) to (H, W) or (H, W, 3)."""
    framed = np.pad(sheet, [(0, 0)] * 3 + [(0, GAP)] * 2, constant_values=255)
    rows, columns, channels, height, width = framed.shape
    picture = framed.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    picture = picture[:-GAP, :-GAP]
    return picture.squeeze(2) if channels == 1 else picture


def _once(labels: list[str]) -> list[str]:
    """Blank a label that repeats the one above it."""
    return ["" if label == above else label for above, label in pairwise(["", *labels])]
