"""The one look of all figures: colour-blind-safe, legible in print, byte-stable as SVG."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from math import log10
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullLocator
from matplotlib.transforms import Bbox
from matplotlib.typing import RcKeyType

from vaentk.figures.compact import compact
from vaentk.figures.readings import describe

LAYERS = {
    "enc": ("encoder", "#0072B2", "o"),
    "hid": ("hidden", "#D55E00", "s"),
    "mu": ("latent mean", "#009E73", "^"),
    "dec": ("decoder", "#CC79A7", "D"),
    "sigma": ("latent standard deviation", "#7F7F7F", "v"),
    "d": ("output", "#CC79A7", "D"),
}
"""Label, colour (Okabe and Ito's palette) and marker of a layer."""

REFERENCE = "#333333"
"""Colour of what theory claims or predicts."""

PANEL, SMALL_PANEL = (3.3, 2.9), (2.5, 2.3)
"""Width and height of a panel in inches, and of one of four in a row."""

PLACES = 5
"""Decimals of a position in the figure."""

LABEL_CHARACTERS = 24
"""As many characters of labels fit below a panel, small ones included."""

# The first lines are seaborn's style "ticks", whose import alone would take two seconds a figure.
_RC: dict[RcKeyType, object] = {
    "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans"],
    "text.color": ".15",
    "axes.edgecolor": ".15",
    "axes.labelcolor": ".15",
    "xtick.color": ".15",
    "ytick.color": ".15",
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
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

# A person's own matplotlibrc is for their own figures.
_DEFAULTS = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith("backend")}


@dataclass(frozen=True)
class Drawing:
    """A finished figure as SVG text, and what it shows in words and numbers of the measures."""

    svg: str
    alt: str


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside this block in the common look."""
    with mpl.rc_context({**_DEFAULTS, **_RC}):
        yield


def panels(
    rows: int, columns: int, sharey: bool | Literal["col"] = False
) -> tuple[Figure, list[list[Axes]]]:
    """Make a grid of panels; four in a row are smaller, so that the page need not shrink them."""
    width, height = PANEL if columns < 4 else SMALL_PANEL
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=sharey)
    return figure, [list(row) for row in axes]


def finish(figure: Figure, alt: str, strips: Mapping[str, Any] | None = None) -> Drawing:
    """Turn a figure into SVG; the bytes depend on the figure alone.

    ``strips`` is what a page needs to know of pictures that are rows of images; see `describe`.
    """
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    _settle(figure)
    about = describe(figure, REFERENCE, strips or {})
    text = StringIO()
    words = {"Date": None, "Creator": "vaentk", "Description": about}
    figure.savefig(text, format="svg", metadata=words)
    return Drawing(compact(text.getvalue()), alt)


def _settle(figure: Figure) -> None:
    """Fix the layout, rounded: its solver's last bits differ from run to run."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    parts = list(figure.subfigs)
    while parts:
        part = parts.pop()
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(PLACES))
        parts.extend(part.subfigs)
    for axes in figure.axes:
        points = axes.get_position(original=True).get_points()
        axes.set_position(Bbox(points.round(PLACES)))


def power_ticks(axes: Axes, widths: list[int]) -> None:
    """Label a logarithmic width axis with the widths, or every second, where they are many."""
    axes.set_xscale("log", base=2)
    every = 1
    while len(" ".join(map(str, widths[::-every]))) > LABEL_CHARACTERS:
        every += 1
    named = set(widths[::-every])
    axes.set_xticks(widths, [str(width) if width in named else "" for width in widths])
    axes.minorticks_off()


class _PlainLogFormatter(LogFormatterSciNotation):
    """Labels the ticks of a logarithmic axis with plain numbers where these are short."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        label = super().__call__(x, pos)
        return f"{x:g}" if label and 1e-3 <= x < 1e4 else label


def plain_ticks(axes: Axes) -> None:
    """Label a logarithmic ordinate with plain numbers."""
    axes.yaxis.set_major_formatter(_PlainLogFormatter())
    axes.yaxis.set_minor_formatter(_PlainLogFormatter())


def against_width(
    axes: Axes,
    members: pd.DataFrame,
    column: str,
    look: Sequence[str],
    claimed: float | None = -0.5,
    line: str = "-",
) -> None:
    """Draw seeds as points, their mean as a line, and a claimed power through the widest mean.

    ``look`` is label, colour and marker; ``claimed`` the exponent of the dotted line, if any.
    """
    label, colour, marker = look
    means = members.groupby("width")[column].mean()
    axes.plot(members["width"], members[column], marker, color=colour, alpha=0.45)
    axes.plot(means.index, means, line, marker=marker, color=colour, label=label)
    if claimed is not None:
        power = means.iloc[-1] * (means.index / means.index[-1]) ** claimed
        axes.plot(means.index, power, ":", color=REFERENCE, linewidth=1.1)
    power_ticks(axes, list(means.index))
    axes.set_yscale("log")
    plain_ticks(axes)
    axes.set_xlabel("width $m$")


def legend_below(figure: Figure | SubFigure, axes: Axes, columns: int | None = None) -> None:
    """Name the lines of one panel below all of them, at most nine in a row."""
    handles, labels = axes.get_legend_handles_labels()
    columns = columns or min(len(labels), 9)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def threshold(axes: Axes, value: float, text: str, below: bool = False) -> None:
    """Draw a claimed threshold as a level line with its name above or below it."""
    axes.axhline(value, color=REFERENCE, linestyle="-.", linewidth=0.9)
    across, side = axes.get_yaxis_transform(), "top" if below else "bottom"
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
    axes.text(0.02, value, text, transform=across, ha="left", va=side, fontsize=8, bbox=ground)


def width_colours(widths: list[int]) -> dict[int, str]:
    """Give every width a colour, darker where wider."""
    shades = mpl.colormaps["viridis"](np.linspace(0.85, 0.1, len(widths)))
    return {width: to_hex(shade) for width, shade in zip(widths, shades, strict=True)}


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis of any length sparsely: 1, 2, 3, 5; 1, 3; or powers of ten."""
    decades = log10(high / low)
    parts = (1, 2, 3, 5) if decades < 1 else (1, 3) if decades < 2.5 else (1,)
    axis.set_major_locator(LogLocator(subs=parts))
    axis.set_major_formatter(_PlainLogFormatter(labelOnlyBase=False, minor_thresholds=(9, 9)))
    axis.set_minor_locator(NullLocator())


def ink_on(part: float) -> str:
    """Colour of lettering on cividis at a part of its length, 0 to 1: that of more contrast."""
    return "white" if part < 0.4 else "black"


def number(value: float) -> str:
    """Write a number for reading: three significant digits and a true minus sign."""
    return f"{value:.3g}".replace("-", "−")
