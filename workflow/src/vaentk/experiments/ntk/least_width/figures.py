"""X3: the distance to the kernel's prediction, and the width from which it is small enough."""

from collections.abc import Mapping
from itertools import cycle
from math import ceil

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours of sigma0 (Okabe and Ito's palette)."""

MARKERS = ("o", "s", "^", "D", "v", "P")


def least_width(members: Tables, least: Tables, slopes: Tables, *, runs: Runs) -> Drawing:
    """Draw, for every run, a panel a sigma0 with the distances, and one with the least widths.

    The tolerance of a run's settings is the distance up to which the prediction counts as right;
    hollow widths are extrapolated.
    """
    tolerances = {run: settings.tolerance for run, settings in runs.settings.items()}
    most = max(table["sigma0"].nunique() for table in members.values())
    columns = 2 if most in (1, 3) else 3
    height = ceil((most + 1) / columns)
    with styled():
        figure, rows = panels(height * len(members), columns)
        entries: dict[str, Artist] = {}
        for place, (run, table) in enumerate(members.items()):
            cells = [axes for row in rows[place * height : (place + 1) * height] for axes in row]
            sigmas = sorted(table["sigma0"].unique())
            for axes, sigma0 in zip(cells, sigmas, strict=False):
                _distances(axes, table[table["sigma0"] == sigma0], tolerances[run])
                images = f"{runs.label}, {run}\n" if axes is cells[0] else f"{run}, "
                axes.set_title(rf"{images}$\sigma_0$ = {sigma0:g}")
            _share_heights(cells[: len(sigmas)])
            _least_widths(cells[len(sigmas)], least[run], slopes[run], tolerances[run])
            for axes in cells[len(sigmas) + 1 :]:
                axes.set_visible(False)
            lines, texts = cells[0].get_legend_handles_labels()
            entries |= dict(zip(texts, lines, strict=True))
        figure.legend(entries.values(), entries, loc="outside lower center", ncols=len(entries))
        return finish(figure, _alt(members, least, slopes, tolerances))


def _distances(axes: Axes, table: pd.DataFrame, tolerance: float) -> None:
    """Draw seeds as points and their mean as a line, for every n, and the tolerance."""
    shades = style.width_colours(sorted(table["samples"].unique()))
    for (samples, shade), marker in zip(shades.items(), cycle(MARKERS), strict=False):
        part = table[table["samples"] == samples]
        means = part.groupby("width")["flow_distance"].mean()
        axes.plot(part["width"], part["flow_distance"], marker, color=shade, alpha=0.45)
        axes.plot(means.index, means, color=shade, marker=marker, label=f"$n$ = {samples}")
    axes.axhline(tolerance, color=REFERENCE, linestyle=":", label=f"tolerance {number(tolerance)}")
    axes.set_yscale("log")
    axes.set_xlabel("width $m$")
    axes.set_ylabel(r"$\max_t \; \Vert f - f_K \Vert_F \; / \; \Vert f(0) - X \Vert_F$")
    style.power_ticks(axes, sorted(table["width"].unique()))


def _share_heights(row: list[Axes]) -> None:
    ends = [end for axes in row for end in axes.get_ylim()]
    for axes in row:
        axes.set_ylim(min(ends), max(ends))
        style.log_ticks(axes.yaxis, min(ends), max(ends))


def _least_widths(axes: Axes, least: pd.DataFrame, slopes: pd.DataFrame, tolerance: float) -> None:
    """Draw the least widths with their fitted powers, and the claimed one from the first."""
    powers = slopes.set_index(slopes["sigma0"].astype(str))
    styles = zip(cycle(COLOURS), cycle(MARKERS), strict=True)
    for (sigma0, part), (colour, marker) in zip(least.groupby("sigma0"), styles, strict=False):
        counts, widths = part["samples"].to_numpy(float), part["least_width"].to_numpy(float)
        slope = float(powers["slope"][str(sigma0)])
        axes.plot(
            counts,
            np.exp(np.log(widths).mean()) * (counts / np.exp(np.log(counts).mean())) ** slope,
            color=colour,
            linewidth=1.0,
            label=rf"$\sigma_0$ = {sigma0:g}: $n^{{{slope:.2f}}}$",
        )
        for count, width, beyond in zip(counts, widths, part["extrapolated"], strict=True):
            face = "white" if beyond else colour
            axes.plot(count, width, marker, color=colour, markerfacecolor=face)
    first = least.sort_values(["samples", "least_width"]).iloc[0]
    claimed = float(slopes["claimed"].iloc[0])
    counts = np.array(sorted(least["samples"].unique()), dtype=float)
    line = first["least_width"] * (counts / counts[0]) ** claimed
    label = rf"Theorem 1: $n^{claimed:g}$"
    axes.plot(counts, line, ":", color=REFERENCE, linewidth=1.3, label=label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(counts, [f"{count:g}" for count in counts])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("samples $n$")
    axes.set_ylabel("least width $m$")
    axes.set_title(f"least width for a distance of {number(tolerance)}")
    axes.legend(loc="upper left")


def _alt(members: Tables, least: Tables, slopes: Tables, tolerances: Mapping[str, float]) -> str:
    parts = []
    for run, table in least.items():
        powers = ", ".join(
            f"{number(row['slope'])} for sigma0 = {row['sigma0']}"
            for _, row in slopes[run][slopes[run]["sigma0"].astype(str) != "all"].iterrows()
        )
        low, high = table["least_width"].min(), table["least_width"].max()
        beyond = int(table["extrapolated"].sum())
        widths = members[run]["width"]
        parts.append(
            f"Run {run}: the least width for a distance of {number(tolerances[run])} lies between "
            f"{number(low)} and {number(high)} ({beyond} of {len(table)} extrapolated beyond the "
            f"widths {widths.min()} to {widths.max()}); its fitted power of n is {powers}, against "
            f"the {number(float(slopes[run]['claimed'].iloc[0]))} that the theorem asks for"
        )
    return (
        "Log-log plots: for every sigma0 the largest distance to the kernel's prediction against "
        "the width, a line a number of samples n, with the tolerance (dotted); and the least width "
        f"against n, with fitted powers and the theorem's (dotted). {'. '.join(parts)}."
    )
