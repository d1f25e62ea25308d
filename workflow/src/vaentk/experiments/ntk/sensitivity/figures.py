"""Figure 2's powers with one setting changed at a time, and how far W_sigma moves."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from vaentk.experiments.declaration import Runs, Tables
from vaentk.experiments.ntk.sensitivity.tables import largest_differences
from vaentk.figures.style import LAYERS, PANEL, REFERENCE, Drawing, finish, number, panels, styled

BASE = "base"
PAIRS = (("enc", "dec"), ("hid", "mu"))
"""Layers that share a panel, because the paper claims the same power for both."""

SETTINGS = {"beta": r"$\beta$ = ", "sigma0": r"$\sigma_0$ = "}
ROW = 0.24
"""Height of a variant in inches."""

MARGIN = 0.12
"""What is shown beside the outermost slopes; longer intervals are cut."""


def sensitivity(slopes: Tables, *, runs: Runs) -> Drawing:
    """Draw three panels per run, a row of dots a variant, the base on top."""
    most = max(table["variant"].nunique() for table in slopes.values())
    with styled():
        figure, rows = panels(len(slopes), 3)
        height = max(PANEL[1], 1.0 + ROW * most)
        figure.set_size_inches(3 * PANEL[0], len(rows) * height)
        for row, (run, table) in zip(rows, slopes.items(), strict=True):
            names = list(table["variant"].unique())
            for axes, pair in zip(row, PAIRS, strict=False):
                _slopes(axes, table, names, pair)
            _sigma_change(row[2], table, names)
            for place, axes in enumerate(row):
                _rows(axes, names, labelled=place == 0)
            row[0].set_ylabel(f"{runs.data[run]}, {run}")
        return finish(figure, _alt(slopes))


def _rows(axes: Axes, names: list[str], labelled: bool) -> None:
    """Give every variant a row, the first on top, mark the base's, and name what is drawn."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 0.99), ncols=2, borderaxespad=0.1)
    axes.set_yticks(range(len(names)), [spoken(name) if labelled else "" for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axhspan(names.index(BASE) - 0.5, names.index(BASE) + 0.5, color="#f0f0f0", zorder=0)


def _slopes(axes: Axes, table: pd.DataFrame, names: list[str], pair: tuple[str, ...]) -> None:
    places = {name: place for place, name in enumerate(names)}
    claimed = float(table[table["layer"] == pair[0]]["claimed"].iloc[0])
    axes.axvline(claimed, color=REFERENCE, linestyle=":", linewidth=1.3)
    for layer, shift in zip(pair, (-0.17, 0.17), strict=True):
        label, colour, marker = LAYERS[layer]
        part = table[table["layer"] == layer]
        heights = part["variant"].map(places) + shift
        axes.hlines(heights, part["low"], part["high"], color=colour, linewidth=1.1, alpha=0.7)
        axes.plot(part["slope"], heights, marker, color=colour, linestyle="", label=label)
        base = float(part[part["variant"] == BASE]["slope"].iloc[0])
        axes.axvline(base, color=colour, linewidth=0.8, alpha=0.5)
    powers = np.append(table[table["layer"].isin(pair)]["slope"], claimed)
    margin = max(MARGIN, 0.1 * float(np.ptp(powers)))
    axes.set_xlim(powers.min() - margin, powers.max() + margin)
    axes.set_xlabel("fitted power of $m$")
    axes.set_title(f"claimed power {number(claimed)}", pad=20)


def _sigma_change(axes: Axes, table: pd.DataFrame, names: list[str]) -> None:
    """Draw W_sigma's relative change at the least and the largest width, where it moves at all."""
    _, colour, marker = LAYERS["sigma"]
    part = table[table["layer"] == "sigma"].set_index("variant")
    places = [place for place, name in enumerate(names) if name in part.index]
    part = part.loc[[names[place] for place in places]]
    columns = {"least $m$": "narrow_change", f"$m$ = {table['width_max'].max()}": "largest_change"}
    axes.axvline(1.0, color=REFERENCE, linestyle=":", linewidth=1.3)
    axes.hlines(places, part["largest_change"], part["narrow_change"], color=colour, linewidth=0.8)
    for face, (label, column) in zip(("white", colour), columns.items(), strict=True):
        axes.plot(part[column], places, marker, color=colour, markerfacecolor=face, label=label)
    across, grey = axes.get_yaxis_transform(), "#555555"
    for place in set(range(len(names))) - set(places):
        axes.text(0.04, place, "does not move", transform=across, va="center", size=8, color=grey)
    changes = part[["narrow_change", "largest_change"]].to_numpy().ravel()
    axes.set_xscale("log")
    axes.set_xlim(min([0.05, *(changes / 2)]), max([2.0, *(changes * 1.5)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(r"$\Vert W_\sigma(T) - W_\sigma(0) \Vert_F \; / \; \Vert W_\sigma(0) \Vert_F$")
    axes.set_title(r"change of $W_\sigma$ (dotted: driven to 0)", pad=20)


def spoken(name: str) -> str:
    """Write the name of a variant as it is read: ``beta-0.1`` is a value of beta."""
    value = re.fullmatch(r"(beta|sigma0)-([\d.]+)", name)
    return f"{SETTINGS[value[1]]}{value[2]}" if value else name.replace("-", " ")


def _alt(slopes: Tables) -> str:
    parts = []
    for run, table in slopes.items():
        base = table[table["variant"] == BASE].set_index("layer")["slope"]
        fits = ", ".join(
            f"{LAYERS[layer][0]} {number(base[layer])}" for pair in PAIRS for layer in pair
        )
        others = largest_differences(table)
        most = others.iloc[others["difference"].abs().argmax()]
        sigma = table[table["layer"] == "sigma"].set_index("variant")["narrow_change"]
        moved = (
            f"W_sigma changes most for {sigma.idxmax()}, by {number(sigma.max())} of its size "
            "at the least width"
            if len(sigma)
            else "W_sigma does not move"
        )
        parts.append(
            f"Run {run}, powers of the base: {fits}; the largest difference from them is "
            f"{number(most['difference'])}, of the {LAYERS[most['layer']][0]} for "
            f"{most['variant']}; {moved}"
        )
    return (
        "Dots with intervals, a row for each setting that was changed and the base on top: the "
        "fitted power of the width for each layer beside the claimed one (dotted), and the "
        f"relative change of W_sigma at the least and the largest width. {'. '.join(parts)}."
    )
