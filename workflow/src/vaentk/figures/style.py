"""The one look of all figures: colour-blind-safe, legible in print, byte-stable as SVG."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Literal

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

LAYERS = {
    "enc": ("encoder", "#0072B2", "o"),
    "hid": ("hidden", "#D55E00", "s"),
    "mu": ("latent mean", "#009E73", "^"),
    "dec": ("decoder", "#CC79A7", "D"),
    "sigma": ("latent deviation", "#7F7F7F", "v"),
    "d": ("output", "#CC79A7", "D"),
}
"""Label, colour (Okabe and Ito's palette) and marker of a layer."""

REFERENCE = "#333333"
"""Colour of what theory claims or predicts."""

PANEL, SMALL_PANEL = (3.3, 2.9), (2.5, 2.3)
"""Width and height of a panel in inches, and of one of four in a row."""

_RC: dict[RcKeyType, object] = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "vaentk",
    "figure.dpi": 100,
}


@dataclass(frozen=True)
class Drawing:
    """A finished figure.

    Attributes
    ----------
    svg
        The figure as SVG text.
    alt
        What it shows, in words and numbers read from the measures.
    """

    svg: str
    alt: str


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside this block in the common look."""
    with sns.axes_style("ticks"), mpl.rc_context(_RC):
        yield


def panels(
    rows: int, columns: int, sharey: bool | Literal["col"] = False
) -> tuple[Figure, list[list[Axes]]]:
    """Make a grid of panels; four in a row are smaller, so that the page need not shrink them."""
    width, height = PANEL if columns < 4 else SMALL_PANEL
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=sharey)
    return figure, [list(row) for row in axes]


def finish(figure: Figure, alt: str) -> Drawing:
    """Turn a figure into SVG; the bytes depend on the figure alone."""
    for axes in figure.axes:
        sns.despine(ax=axes)
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "vaentk"})
    return Drawing(text.getvalue(), alt)


def power_ticks(axes: Axes, widths: list[int]) -> None:
    """Label a logarithmic width axis with the widths themselves."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.minorticks_off()


def number(value: float) -> str:
    """Write a number for reading: three significant digits and a true minus sign."""
    return f"{value:.3g}".replace("-", "−")
