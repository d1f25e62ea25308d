"""Theorem 2 in pictures: digits rebuilt by the trained network and by ridge regression."""

from collections.abc import Iterator, Mapping
from math import isqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import Drawing, finish, number, styled

Array = NDArray[np.float64]

INITIALS = ("standard", "antisymmetric")
ROWS = {
    "network": ("trained network", ""),
    "n beta": (r"ridge $n \beta$", ", with $f_0$"),
    "printed": (r"ridge $\beta$", ", without $f_0$"),
}
"""What rebuilds the digits, by the name of its pictures; and what is said where f_0 is not 0."""

LEFT, ACROSS, RIGHT = 1.75, 5.9, 1.25
"""Widths of the names of the rows, of the pictures and of their scales, in inches."""

ROW, TITLE = 0.66, 0.4
"""Heights of a row and of a run's title, in inches."""

GAP = 0.08
"""Space between two pictures, as a part of a picture."""


def ridge_pictures(stored: Mapping[str, Stored], *, runs: Runs) -> Drawing:
    """Draw seven rows of digits a run on images: the inputs, three ways for each initialisation."""
    pictures = {
        run: stored[run].arrays
        for run, settings in runs.settings.items()
        if not settings.inputs.components
    }
    with styled():
        if not pictures:
            figure = Figure(figsize=(LEFT + ACROSS + RIGHT, ROW))
            nothing = "No run of this configuration has images as inputs."
            figure.text(0.5, 0.5, nothing, ha="center")
            return finish(figure, f"A line of text: n{nothing[1:]}")
        block = ROW * (1 + len(INITIALS) * len(ROWS)) + TITLE
        width, height = LEFT + ACROSS + RIGHT, block * len(pictures)
        figure = Figure(figsize=(width, height))
        for place, (run, drawn) in enumerate(pictures.items()):
            top = height - place * block - TITLE / 2
            title = _title(drawn, f"{runs.data[run]}, {run}")
            figure.text(0.5, top / height, title, ha="center", va="center", fontsize=9.5)
            for index, (label, shown, scale) in enumerate(_rows(drawn)):
                bottom = top - TITLE / 2 - (index + 1) * ROW
                box = (LEFT / width, bottom / height, ACROSS / width, ROW / height)
                _mosaic(figure.add_axes(box), shown, label, scale)
        return finish(figure, _alt(pictures))


def _title(drawn: Mapping[str, Array], run: str) -> str:
    beta, width = float(drawn["beta"][0]), int(drawn["width"][0])
    pixels = drawn["input"].shape[1]
    return rf"{run}: held-out digits, $d$ = {pixels}, $m$ = {width}, $\beta$ = {beta:g}"


def _range(drawn: Mapping[str, Array], initial: str, name: str) -> tuple[float, float]:
    """Give the network and the ridge that it should meet one scale, and the printed one its own."""
    together = ("printed",) if name == "printed" else ("network", "n beta")
    values = np.stack([drawn[f"{initial}/{each}"] for each in together])
    return float(values.min()), float(values.max())


def _rows(drawn: Mapping[str, Array]) -> Iterator[tuple[str, Array, tuple[float, float]]]:
    """Give label, pictures and grey scale of every row of a run."""
    yield "input", drawn["input"], (0.0, float(drawn["input"].max()))
    for initial in INITIALS:
        for name, (label, more) in ROWS.items():
            said = f"{initial}:\n{label}{more if initial == 'standard' else ''}"
            yield said, drawn[f"{initial}/{name}"], _range(drawn, initial, name)


def _mosaic(axes: Axes, pictures: Array, label: str, scale: tuple[float, float]) -> None:
    side = isqrt(pictures.shape[1])
    low, high = scale
    for place, picture in enumerate(pictures.reshape(len(pictures), side, side)):
        left = place * (1 + GAP)
        extent = (left, left + 1, 0, 1)
        axes.imshow(picture, cmap="gray", vmin=low, vmax=high, interpolation="none", extent=extent)
    axes.set(xlim=(0, len(pictures) * (1 + GAP) - GAP), ylim=(0, 1))
    axes.set_axis_off()
    across = axes.transAxes
    axes.text(-0.01, 0.5, label, transform=across, ha="right", va="center")
    said = f"{number(low)} to {number(high)}"
    axes.text(1.01, 0.5, said, transform=across, ha="left", va="center", fontsize=8)


def _alt(pictures: Mapping[str, Mapping[str, Array]]) -> str:
    parts = []
    for run, drawn in pictures.items():
        said = []
        for initial in INITIALS:
            network = drawn[f"{initial}/network"]
            gaps = [network - drawn[f"{initial}/{name}"] for name in ("n beta", "printed")]
            size = np.linalg.norm(network)
            met, printed = (number(float(np.linalg.norm(gap) / size)) for gap in gaps)
            said.append(f"{initial} {met} and {printed}")
        parts.append(
            f"Run {run}, m = {int(drawn['width'][0])}, beta = {float(drawn['beta'][0]):g}: "
            f"{', '.join(said)}"
        )
    return (
        "Rows of held-out digits: the inputs; then, for the standard and the antisymmetric "
        "initialisation, the trained network's output, ridge regression with n beta and f_0, and "
        "ridge regression as printed. Distance of these pictures from the trained network's, "
        f"relative to its norm, with n beta and as printed: {'; '.join(parts)}."
    )
