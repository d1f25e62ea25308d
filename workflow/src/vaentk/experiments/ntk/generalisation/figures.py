"""X6: learning curves of networks and of their limit kernel, and the distance between them."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from vaentk.experiments.declaration import Runs, Tables
from vaentk.experiments.ntk.generalisation.comparisons import AT, CLAIMED_SLOPE, compared
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, styled

MARKERS = ("o", "s", "^", "D", "v", "P")

LEGEND = 0.6
"""Inches of the title and the legend."""

WORDS = {"per image": "trained for a time in proportion to n", "one time": "for one time"}


def generalisation(members: Tables, kernels: Tables, *, runs: Runs) -> Drawing:
    """Draw three panels per run: learning curves twice, and the distance to the kernel by width."""
    with styled():
        width, height = style.PANEL
        size = (3 * width, height * len(members) + LEGEND)
        figure = Figure(figsize=size, layout="constrained")
        rows = figure.subplots(len(members), 3, squeeze=False)
        entries: dict[str, Artist] = {}
        for row, (run, table) in zip(rows, members.items(), strict=True):
            settings = runs.settings[run]
            for axes, at in zip(row, AT, strict=False):
                _learning_curves(axes, table, kernels[run], at, settings.horizon)
            latest = max(settings.times)
            row[0].set_title(f"{run}: trained until $t$ = {settings.horizon:g} $n$")
            row[1].set_title(f"until $t$ = {latest:g} for every $n$")
            _distances(row[2], compared(table, "one time", settings.horizon))
            row[2].set_title(f"network and limit kernel, $t$ = {latest:g}")
            ends = [end for axes in row[:2] for end in axes.get_ylim()]
            for axes in row[:2]:
                axes.set_ylim(min(ends), max(ends))
                lines, texts = axes.get_legend_handles_labels()
                entries |= dict(zip(texts, lines, strict=True))
        figure.legend(entries.values(), entries, loc="outside lower center", ncols=5)
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt(members, kernels, runs))


def _learning_curves(
    axes: Axes, members: pd.DataFrame, kernels: pd.DataFrame, at: str, horizon: float
) -> None:
    """Draw the held-out error against the number of images, seeds as points, their mean a line."""
    table = compared(members, at, horizon)
    widths = sorted(table["width"].unique())
    for (width, shade), marker in zip(
        style.width_colours(widths).items(), cycle(MARKERS), strict=False
    ):
        part = table[table["width"] == width]
        means = _means(part, "samples", "error")
        axes.plot(part["samples"], part["error"], marker, color=shade, alpha=0.45)
        axes.plot(means.index, means, color=shade, marker=marker, label=f"network, $m$ = {width}")
    own = compared(kernels, at, horizon)
    forever = kernels[np.isinf(kernels["time"])]
    for part, line, label in (
        (own, "--", "limit kernel, as long"),
        (forever, ":", r"limit kernel, $t \to \infty$"),
    ):
        axes.plot(part["samples"], part["kernel_error"], line, color=REFERENCE, label=label)
    _log_numbers(axes, sorted(table["samples"].unique()))
    axes.set_xlabel("images $n$")
    axes.set_ylabel("error on held-out images")


def _distances(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the distance against width, one line per number of images, and the claimed power."""
    shades = style.width_colours(sorted(table["samples"].unique()))
    for (samples, shade), marker in zip(shades.items(), cycle(MARKERS), strict=False):
        part = table[table["samples"] == samples]
        means = _means(part, "width", "distance")
        axes.plot(part["width"], part["distance"], marker, color=shade, alpha=0.45)
        axes.plot(means.index, means, color=shade, marker=marker, label=f"$n$ = {samples}")
    power = means.iloc[-1] * (means.index / means.index[-1]) ** CLAIMED_SLOPE
    axes.plot(means.index, power, ":", color=REFERENCE, linewidth=1.1, label="$m^{-1/2}$")
    style.power_ticks(axes, list(means.index))
    axes.set_yscale("log")
    style.log_ticks(axes.yaxis, *axes.get_ylim())
    axes.set_xlabel("width $m$")
    axes.set_ylabel(r"$\Vert f - f_K \Vert_F \; / \; \Vert f_K \Vert_F$, held out")
    axes.legend(loc="upper right")


def _means(part: pd.DataFrame, by: str, column: str) -> pd.Series:
    """Take geometric means over seeds."""
    means: pd.Series = np.exp(np.log(part[column]).groupby(part[by]).mean())
    return means


def _log_numbers(axes: Axes, counts: list[int]) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())


def _alt(members: Tables, kernels: Tables, runs: Runs) -> str:
    parts = []
    for run, table in members.items():
        horizon = runs.settings[run].horizon
        widest = table[table["width"] == table["width"].max()]
        ends = []
        for at in AT:
            network = _means(compared(widest, at, horizon), "samples", "error")
            kernel = compared(kernels[run], at, horizon).set_index("samples")["kernel_error"]
            ends.append(
                f"{WORDS[at]}, from {number(network.iloc[0])} to {number(network.iloc[-1])}, "
                f"the limit kernel's from {number(kernel.iloc[0])} to {number(kernel.iloc[-1])}"
            )
        forever = kernels[run][np.isinf(kernels[run]["time"])]["kernel_error"]
        distance = _means(compared(widest, "one time", horizon), "samples", "distance")
        parts.append(
            f"Run {run}, m = {widest['width'].max()}, n = {table['samples'].min()} to "
            f"{table['samples'].max()}: the network's held-out error goes, "
            f"{', and '.join(ends)}; for infinite time the kernel's goes from "
            f"{number(forever.iloc[0])} to {number(forever.iloc[-1])}; the distance of held-out "
            f"outputs is {number(distance.iloc[0])} to {number(distance.iloc[-1])}"
        )
    return (
        "Three log-log panels per run: the held-out error over that of answering zero against the "
        "number of images n, networks by width and their limit kernel, trained for a time in "
        "proportion to n and for one time; and the distance between network and kernel on "
        f"held-out images against the width, by n, with m^(-1/2) (dotted). {'. '.join(parts)}."
    )
