"""Images of a data set in rows, each along one factor or drawn at random."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaentk.figures.style import Drawing, finish, styled

CELL = 0.56
"""Inches a side of one image."""

MARGIN = 1.0
"""Inches for the labels of the rows."""

GAP = 2
"""Pixels between images."""


def draw(sheet: NDArray[np.uint8], labels: list[str], title: str) -> Drawing:
    """Draw a contact sheet.

    Parameters
    ----------
    sheet
        uint8 (rows, columns, c, h, w), values 0..255.
    labels
        A label for each row; equal ones that follow each other are written once.
    title
        What the images are, with the words stand-in or drawn where they are that.
    """
    rows, columns = sheet.shape[:2]
    with styled():
        size = (MARGIN + CELL * columns, CELL * rows + 0.35)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        picture = tiled(sheet)
        axes.imshow(picture, interpolation="none", cmap="gray", vmin=0, vmax=255)
        axes.set_title(title)
        axes.grid(visible=False)
        step = sheet.shape[3] + GAP
        axes.set_yticks(np.arange(rows) * step + sheet.shape[3] / 2, _once(labels))
        axes.set_xticks([])
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_color("none")
        kinds = ", ".join(dict.fromkeys(labels))
        alt = f"{title}: {rows} rows of {columns} images; the rows: {kinds}."
        return finish(figure, alt)


def tiled(sheet: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put images side by side on white: uint8 (rows, columns, c, h, w) to (H, W) or (H, W, 3)."""
    framed = np.pad(sheet, [(0, 0)] * 3 + [(0, GAP)] * 2, constant_values=255)
    rows, columns, channels, height, width = framed.shape
    picture = framed.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    picture = picture[:-GAP, :-GAP]
    return picture.squeeze(2) if channels == 1 else picture


def _once(labels: list[str]) -> list[str]:
    """Blank a label that repeats the one above it."""
    above = [None, *labels[:-1]]
    return ["" if label == before else label for label, before in zip(labels, above, strict=True)]
