"""What a page needs to read values off a figure: where panels lie, what lines are called.

The values themselves are not repeated: a line's coordinates in the drawing and the limits of its
panel give them back.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

DIGITS = 9
"""Of a position or limit: a reading shows three."""

SCALES = ("linear", "log")
"""Scales that the page can read; a panel with another is left out."""

SYMBOLS = {
    "beta": "β",
    "lambda": "λ",
    "mu": "μ",
    "sigma": "σ",
    "theta": "θ",
    "Theta": "Θ",
    "sqrt": "√",
}

Look = tuple[str, str]


def describe(figure: Figure, dashed: str, strips: Mapping[str, Any]) -> str:
    """Name the figure's lines as groups of its SVG, and describe its panels.

    Parameters
    ----------
    figure
        Its layout is settled; its lines are given names (``gid``).
    dashed
        The colour whose lines are told apart by their dashes: a line without a label of its own
        has that of a legend's entry of its colour, and here of its dashes too.
    strips
        What is known of pictures in it that are rows of images, by the picture's name.

    Returns
    -------
    str
        JSON: ``panels``, each with its ``box`` (left, bottom, width and height as parts of the
        figure), ``x`` and ``y`` (scale, value at the low end, value at the high end; where ticks
        have names, as of layers, values by name), and ``curves`` (by name of the group: ``label``,
        empty where it has none, and the number of ``points`` that the line joins, of which the
        drawing leaves out what looks straight); and ``strips`` as given, where there are any.
    """
    drawn = [axes.get_legend() for axes in figure.axes]
    everywhere = _named([*figure.legends, *drawn], dashed)
    panels = []
    for place, axes in enumerate(figure.axes):
        lines = list(_curves(axes))
        scales = axes.get_xscale(), axes.get_yscale()
        if not lines or not axes.axison or not set(scales) <= set(SCALES):
            continue
        own, here = _own_labels(axes), everywhere | _named([axes.get_legend()], dashed)
        curves = {}
        for number, line in enumerate(lines):
            line.set_gid(name := f"curve-{place}-{number}")
            label = own.get(line) or here.get(_look(line, dashed), "")
            curves[name] = {"label": label, "points": np.size(line.get_xdata())}
        box = axes.bbox.transformed(figure.transFigure.inverted())
        panels.append(
            {
                "box": [_digits(part) for part in box.bounds],
                "x": [scales[0], *map(_digits, axes.get_xlim()), *_names(axes.xaxis)],
                "y": [scales[1], *map(_digits, axes.get_ylim()), *_names(axes.yaxis)],
                "curves": curves,
            }
        )
    described = {"panels": panels} | ({"strips": strips} if strips else {})
    return json.dumps(described, ensure_ascii=False)


def _curves(axes: Axes) -> Iterator[Line2D]:
    """Lines that stand where their data say, in both directions: not a threshold across a panel."""
    for line in axes.lines:
        both = line.get_transform().contains_branch_seperately(axes.transData)
        if all(both) and np.size(line.get_xdata()):
            yield line


def _names(axis: Axis) -> Iterator[dict[str, float]]:
    """Yield the values of ticks by their names, where these are names and no numbers."""
    if not isinstance(axis.get_major_locator(), FixedLocator):
        return
    places = [float(place) for place in axis.get_majorticklocs()]
    texts = axis.get_major_formatter().format_ticks(places)
    named = {plain(text): _digits(x) for x, text in zip(places, texts, strict=True) if text}
    if not all(map(_is_number, named)):
        yield named


def _is_number(text: str) -> bool:
    try:
        float(text.replace("−", "-"))
    except ValueError:
        return False
    return True


def _named(legends: Iterable[Legend | None], dashed: str) -> dict[Look, str]:
    """What some legends call a look; nothing where two names look alike."""
    names = defaultdict(set)
    for legend in filter(None, legends):
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            if isinstance(handle, Line2D):
                names[_look(handle, dashed)].add(plain(text.get_text()))
    return {look: few.pop() for look, few in names.items() if len(few) == 1}


def _look(line: Line2D, dashed: str) -> Look:
    colour = to_hex(line.get_color())
    return colour, str(line.get_linestyle()) if colour == dashed else ""


def _own_labels(axes: Axes) -> dict[Line2D, str]:
    """Labels of the lines that have one; that of a line with error bars is its container's."""
    bars = [each for each in axes.containers if isinstance(each, ErrorbarContainer)]
    labels = {line: str(line.get_label()) for line in axes.lines}
    labels |= {bar.lines[0]: str(bar.get_label()) for bar in bars}
    return {line: plain(text) for line, text in labels.items() if not text.startswith("_")}


def plain(label: str) -> str:
    """Write a label's mathematics without markup."""
    text = re.sub(r"\\([A-Za-z]+)", lambda symbol: SYMBOLS.get(symbol[1], symbol[1]), label)
    return re.sub(r"(?<!\w)-(?=\d)", "−", re.sub(r"[${}]", "", text))


def _digits(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
