"""Traversals: what one latent unit draws while the others stay, a strip a unit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs
from vaentk.figures.contact_sheet import GAP, tiled
from vaentk.figures.style import Drawing, finish, styled

# All in inches.
CELL = 0.42  # a side of one image
MARGIN = 0.85  # for the labels of the rows
HEADING = 0.3  # for the title of a panel, and for that of the figure
GUTTER = 0.1  # to the right of a panel
WIDEST = 11.5  # panels that together are wider go on below


@dataclass(frozen=True, eq=False)
class Panel:
    """The strips of one network: uint8 (rows, columns, c, h, w), and a label a row."""

    title: str
    labels: Sequence[str]
    strips: NDArray[np.uint8]


def traversals(strips: Mapping[str, Stored], *, runs: Runs) -> Drawing:
    """Draw the strips of the best and the worst network of every run, as many beside as fit."""
    panels = []
    for run, stored in strips.items():
        for name, (latent, seed, beta, score, kl) in json.loads(stored.note).items():
            title = f"{run}, {name}: latent {latent}, seed {seed}, beta {beta:g}, score {score:.3f}"
            labels = [f"KL {nats:.2f}" for nats in kl]
            panels.append(Panel(title, labels, stored.arrays[name]))
    return _draw(panels, runs.label)


def _draw(panels: Sequence[Panel], title: str) -> Drawing:
    columns = panels[0].strips.shape[1]
    wide = MARGIN + CELL * columns + GUTTER
    beside = max(1, min(int(WIDEST / wide), len(panels)))
    heights = [HEADING + CELL * len(panel.labels) for panel in panels]
    tallest = [max(heights[first : first + beside]) for first in range(0, len(heights), beside)]
    width, height = wide * beside, HEADING + sum(tallest)
    with styled():
        figure = Figure(figsize=(width, height))
        figure.text(0.5, 1 - HEADING / 2 / height, title, ha="center", va="center", fontsize=9.5)
        for place, panel in enumerate(panels):
            row, column = divmod(place, beside)
            left = MARGIN + column * wide
            top = height - HEADING - sum(tallest[:row])
            bottom = top - heights[place]
            size = (CELL * columns / width, CELL * len(panel.labels) / height)
            axes = figure.add_axes((left / width, bottom / height, *size))
            _strips(axes, panel)
            start = (GUTTER - MARGIN) / (CELL * columns)
            # A long title ends with the panel.
            axes.set_title(panel.title, loc="left", x=start, fontsize=9)
        return finish(figure, _alt(panels, title))


def _strips(axes: Axes, panel: Panel) -> None:
    """Draw the rows of a panel with their labels."""
    channels = panel.strips.shape[2]
    coloured = panel.strips.repeat(3 // channels, axis=2)  # grey ones too, without a colour map
    axes.imshow(tiled(coloured), interpolation="none", aspect="auto")
    axes.grid(visible=False)
    height = panel.strips.shape[3]
    middles = np.arange(len(panel.labels)) * (height + GAP) + height / 2
    axes.set_yticks(middles, panel.labels)
    axes.set_xticks([])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_color("none")


def _alt(panels: Sequence[Panel], title: str) -> str:
    described = "; ".join(f"{panel.title}, rows {', '.join(panel.labels)}" for panel in panels)
    return (
        f"{title}: traversals, a row of {panels[0].strips.shape[1]} images for every unit as its "
        f"value rises from left to right. {described}."
    )
