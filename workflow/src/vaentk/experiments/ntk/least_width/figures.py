"""X3: the distance to the kernel's prediction, and the width from which it is small enough."""

from collections.abc import Mapping
from itertools import cycle, product
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import PANEL, REFERENCE, Drawing, finish, number, styled

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours of sigma0 (Okabe and Ito's palette)."""

Line = Literal["-", "--", "-."]

LOOKS: tuple[tuple[str, Line], ...] = (("o", "-"), ("s", "--"), ("^", "-."))
"""Marker and line of a number d of outputs."""

NAMES = {"samples": "n", "outputs": "d", "lambda_0": "lambda_0"}


def least_width(members: Tables, least: Tables, slopes: Tables, *, runs: Runs) -> Drawing:
    """Draw one row per run: the distances at the middle sigma0, and, larger, all least widths.

    The tolerance of a run's settings is the distance up to which the prediction counts as right;
    hollow widths are extrapolated.
    """
    tolerances = {run: settings.tolerance for run, settings in runs.settings.items()}
    with styled():
        width, height = PANEL
        size = (3 * width, 1.25 * height * len(members))
        figure = Figure(figsize=size, layout="constrained")
        rows = figure.subplots(len(members), 2, squeeze=False, width_ratios=(1, 1.7))
        for (left, right), (run, table) in zip(rows, members.items(), strict=True):
            sigmas = sorted(table["sigma0"].unique())
            middle = sigmas[len(sigmas) // 2]
            _distances(left, table[table["sigma0"] == middle], tolerances[run])
            left.set_title(f"{runs.label}, {run}\n" + rf"$\sigma_0$ = {middle:g}")
            _least_widths(right, least[run])
            right.set_title(f"least width for a distance of {number(tolerances[run])}")
        return finish(figure, _alt(members, least, slopes, tolerances))


def _looks(table: pd.DataFrame) -> dict[int, tuple[str, Line]]:
    return dict(zip(sorted(table["outputs"].unique()), LOOKS, strict=False))


def _distances(axes: Axes, table: pd.DataFrame, tolerance: float) -> None:
    """Draw seeds as points and their mean as a line, for every n and d, and the tolerance."""
    shades = style.width_colours(sorted(table["samples"].unique()))
    looks = _looks(table)
    for samples, outputs in product(shades, looks):
        part = table[(table["samples"] == samples) & (table["outputs"] == outputs)]
        colour, (marker, line) = shades[samples], looks[outputs]
        means = part.groupby("width")["flow_distance"].mean()
        axes.plot(part["width"], part["flow_distance"], marker, color=colour, alpha=0.45)
        axes.plot(means.index, means, color=colour, marker=marker, linestyle=line)
    axes.axhline(tolerance, color=REFERENCE, linestyle=":")
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    style.log_ticks(axes.yaxis, low, high)
    axes.set_xlabel("width $m$")
    axes.set_ylabel(r"$\max_t \; \Vert f - f_K \Vert_F \; / \; \Vert f(0) - X \Vert_F$")
    style.power_ticks(axes, sorted(table["width"].unique()))
    entries = [Line2D([], [], color=shade, label=f"$n$ = {n}") for n, shade in shades.items()]
    entries += [_of_outputs(outputs, *look) for outputs, look in looks.items()]
    entries += [Line2D([], [], color=REFERENCE, linestyle=":", label="tolerance")]
    axes.legend(handles=entries, loc="best", fontsize="small")


def _of_outputs(outputs: int, marker: str, line: Line) -> Line2D:
    return Line2D([], [], color=REFERENCE, marker=marker, linestyle=line, label=f"$d$ = {outputs}")


def _least_widths(axes: Axes, least: pd.DataFrame) -> None:
    """Draw the least widths with their intervals, and Theorem 1's growth from the first."""
    looks = _looks(least)
    colours = dict(zip(sorted(least["sigma0"].unique()), cycle(COLOURS), strict=False))
    for sigma0, outputs in product(colours, looks):
        part = least[(least["sigma0"] == sigma0) & (least["outputs"] == outputs)]
        colour, (marker, line) = colours[sigma0], looks[outputs]
        counts, widths = part["samples"], part["least_width"]
        axes.plot(counts, widths, color=colour, linestyle=line, linewidth=1.0)
        ends = part["least_width_low"], part["least_width_high"]
        axes.vlines(counts, *ends, color=colour, linewidth=0.8, alpha=0.6)
        for count, width, beyond in zip(counts, widths, part["extrapolated"], strict=True):
            face = "white" if beyond else colour
            axes.plot(count, width, marker, color=colour, markerfacecolor=face)
    low, high = least["least_width"].min(), least["least_width"].max()
    first = least.sort_values(["samples", "least_width"]).iloc[0]
    same = least[(least["sigma0"] == first["sigma0"]) & (least["outputs"] == first["outputs"])]
    claimed = same["width_printed"] / first["width_printed"] * first["least_width"]
    axes.plot(same["samples"], claimed, ":", color=REFERENCE, linewidth=1.3)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylim(low / 2, high * 4)
    style.log_ticks(axes.yaxis, low / 2, high * 4)
    counts = sorted(least["samples"].unique())
    axes.set_xticks(counts, [f"{count:g}" for count in counts])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("samples $n$")
    axes.set_ylabel("least width $m$")
    entries = [
        Line2D([], [], color=colour, label=rf"$\sigma_0$ = {sigma0:g}")
        for sigma0, colour in colours.items()
    ]
    entries += [_of_outputs(outputs, *look) for outputs, look in looks.items()]
    printed = r"$n^5 d^3 / \lambda_0^4$ from the first"
    entries += [Line2D([], [], color=REFERENCE, linestyle=":", label=printed)]
    axes.legend(handles=entries, loc="upper right", ncols=2)


def _beside(held: str) -> str:
    return "beside the others" if held == "nothing" else f"with {held} fixed"


def _alt(members: Tables, least: Tables, slopes: Tables, tolerances: Mapping[str, float]) -> str:
    parts = []
    for run, table in least.items():
        powers = ", ".join(
            f"{number(row['slope'])} of {NAMES[row['power']]} "
            f"{_beside(row['held'])} "
            f"(theorem {number(row['claimed'])})"
            for _, row in slopes[run].iterrows()
        )
        low, high = table["least_width"].min(), table["least_width"].max()
        beyond = int(table["extrapolated"].sum())
        widths, over = members[run]["width"], table["over_printed"]
        parts.append(
            f"Run {run}: the least width for a distance of {number(tolerances[run])} lies between "
            f"{number(low)} and {number(high)} ({beyond} of {len(table)} extrapolated beyond the "
            f"widths {widths.min()} to {widths.max()}), {over.min():.0f} to {over.max():.0f} "
            f"orders of magnitude below Theorem 1's printed width; its fitted powers are {powers}"
        )
    return (
        "Log-log plots: at one sigma0 the largest distance to the kernel's prediction against the "
        "width, a line per number of samples n and of outputs d, with the tolerance (dotted); and "
        f"the least width against n, with the theorem's growth (dotted). {'. '.join(parts)}."
    )
