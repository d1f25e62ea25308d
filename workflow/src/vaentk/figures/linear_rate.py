"""Theorem 1 and Lemma 4: the loss with its bound and prediction; distances against the width."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaentk.figures.style import (
    LAYERS,
    REFERENCE,
    Drawing,
    finish,
    number,
    panels,
    power_ticks,
    styled,
)


def draw(
    curves: Mapping[str, pd.DataFrame], members: Mapping[str, pd.DataFrame], data: str
) -> Drawing:
    """Draw three panels a run.

    Parameters
    ----------
    curves
        Loss, bound and kernel predictions by run, width, seed and time.
    members
        Largest distances and row displacements by run, width and seed.
    data
        What the images are, for the title.
    """
    with styled():
        figure, rows = panels(len(curves), 3)
        for (loss, distance, rows_moved), run in zip(rows, curves, strict=True):
            _loss_panel(loss, curves[run], f"{data}, {run}")
            _distance_panel(distance, members[run])
            _lemma4_panel(rows_moved, members[run])
        return finish(figure, _alt(members, curves))


def _loss_panel(axes: Axes, curve: pd.DataFrame, title: str) -> None:
    widths = sorted(curve["width"].unique())
    colours = mpl.colormaps["viridis"](np.linspace(0.85, 0.1, len(widths)))
    later = curve[curve["time"] > 0]
    for colour, width in zip(colours, widths, strict=True):
        for index, (_, run) in enumerate(later[later["width"] == width].groupby("seed")):
            label = f"$m$ = {width}" if index == 0 else None
            axes.plot(run["time"], run["loss"], color=colour, linewidth=1.0, label=label)
    widest = later[later["width"] == widths[-1]].groupby("time").mean(numeric_only=True)
    axes.plot(widest.index, widest["flow_loss"], "--", color=REFERENCE, label="kernel flow")
    axes.plot(widest.index, widest["bound"], ":", color=REFERENCE, label="claimed bound")
    axes.set(xscale="log", yscale="log", xlabel="time $t$", ylabel="loss (Eq. 7)")
    axes.set_title(title)
    axes.legend(loc="lower left")


def _distance_panel(axes: Axes, members: pd.DataFrame) -> None:
    _against_width(axes, members, "descent_distance", "#0072B2", "o", "kernel, same steps")
    means = members.groupby("width")["flow_distance"].mean()
    axes.plot(means.index, means, "--", color="#7F7F7F", label="kernel flow")
    axes.set_ylabel(r"$\max_t \; \Vert f - f_K \Vert_F \; / \; \Vert f(0) - X \Vert_F$")
    axes.set_title("distance to the limit kernel")
    axes.plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
    axes.legend(loc="lower left")


def _lemma4_panel(axes: Axes, members: pd.DataFrame) -> None:
    for layer in ("mu", "sigma", "d"):
        label, colour, marker = LAYERS[layer]
        _against_width(axes, members, f"row_{layer}", colour, marker, label)
    axes.set_ylabel(r"$\max_r \; \Vert w_r(T) - w_r(0) \Vert$")
    axes.set_title("Lemma 4: largest row displacement")
    axes.plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
    axes.legend(loc="best")


def _against_width(
    axes: Axes, members: pd.DataFrame, column: str, colour: str, marker: str, label: str
) -> None:
    """Draw seeds as points, their mean as a line, and the -1/2 power through the widest."""
    means = members.groupby("width")[column].mean()
    axes.plot(members["width"], members[column], marker, color=colour, alpha=0.45)
    axes.plot(means.index, means, color=colour, label=label)
    claimed = means.iloc[-1] * (means.index / means.index[-1]) ** -0.5
    axes.plot(means.index, claimed, ":", color=REFERENCE, linewidth=1.1)
    power_ticks(axes, list(means.index))
    axes.set_yscale("log")
    axes.set_xlabel("width $m$")


def _alt(members: Mapping[str, pd.DataFrame], curves: Mapping[str, pd.DataFrame]) -> str:
    parts = []
    for run, table in members.items():
        means = table.groupby("width")["descent_distance"].mean()
        last = curves[run][curves[run]["time"] == curves[run]["time"].max()]
        widest = last[last["width"] == last["width"].max()]
        parts.append(
            f"Run {run}: at the last time the widest network's loss is "
            f"{number(widest['loss'].mean())}, the kernel flow's "
            f"{number(widest['flow_loss'].mean())} and the bound "
            f"{number(widest['bound'].mean())}; the distance to gradient descent on the kernel "
            f"goes from {number(means.iloc[0])} at m = {means.index[0]} "
            f"to {number(means.iloc[-1])} at m = {means.index[-1]}"
        )
    return (
        "Three panels a run: the loss against time for every width with the claimed bound (dotted) "
        "and the limit kernel's flow (dashed); the largest distance to the kernel's prediction "
        "against the width; the largest row displacement of each layer against the width. "
        f"{'; '.join(parts)}."
    )
