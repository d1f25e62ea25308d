"""Theorem 1 and Lemma 4: the loss with its bound and prediction; distances against the width."""

from math import ceil

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import LAYERS, REFERENCE, Drawing, finish, number, panels, styled

KERNELS = {
    "flow_distance": (r"limit kernel $K$", "#0072B2", "o"),
    "empirical_distance": (r"its own kernel $\Theta(0)$", "#D55E00", "s"),
}
"""Label, colour and marker of the distance to gradient flow on a kernel."""

NAMED_WIDTHS = 5
"""At most so many widths are named in a legend; the others lie between them."""

LEGEND_SHARE = 0.42
"""Part of a panel that is kept free below the data for its legend."""


def linear_rate(curves: Tables, members: Tables, *, runs: Runs) -> Drawing:
    """Draw three panels per run."""
    with styled():
        figure, rows = panels(len(curves), 3)
        for (loss, distance, rows_moved), run in zip(rows, curves, strict=True):
            _loss_panel(loss, curves[run], f"{runs.data[run]}, {run}")
            _distance_panel(distance, members[run])
            _lemma4_panel(rows_moved, members[run])
        return finish(figure, _alt(members, curves))


def _loss_panel(axes: Axes, curve: pd.DataFrame, title: str) -> None:
    widths = sorted(curve["width"].unique())
    named = set(widths[:: -ceil(len(widths) / NAMED_WIDTHS)])
    later = curve[curve["time"] > 0]
    for width, colour in style.width_colours(widths).items():
        for index, (_, run) in enumerate(later[later["width"] == width].groupby("seed")):
            label = f"$m$ = {width}" if index == 0 and width in named else None
            axes.plot(run["time"], run["loss"], color=colour, linewidth=1.0, label=label)
    widest = later[later["width"] == widths[-1]].groupby("time").mean(numeric_only=True)
    axes.plot(widest.index, widest["flow_loss"], "--", color=REFERENCE, label="kernel flow")
    axes.plot(widest.index, widest["bound"], ":", color=REFERENCE, label="claimed bound")
    axes.set(xscale="log", yscale="log", xlabel="time $t$", ylabel="loss (Eq. 7)")
    axes.set_title(title)
    axes.legend(loc="lower left")


def _distance_panel(axes: Axes, members: pd.DataFrame) -> None:
    for column, look in KERNELS.items():
        style.against_width(axes, members, column, look)
    axes.set_ylabel(r"$\max_t \; \Vert f - f_K \Vert_F \; / \; \Vert f(0) - X \Vert_F$", labelpad=8)
    axes.set_title("distance to gradient flow on a kernel")
    axes.plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
    low, high = axes.get_ylim()
    axes.set_ylim(low * (low / high) ** (LEGEND_SHARE / (1 - LEGEND_SHARE)), high)
    axes.legend(loc="lower left")


def _lemma4_panel(axes: Axes, members: pd.DataFrame) -> None:
    bound = members.groupby("width")["lemma4_bound"].mean()
    axes.plot(bound.index, bound, "-.", color=REFERENCE, label="the lemma's bound")
    for layer in _layers(members):
        style.against_width(axes, members, f"row_{layer}", LAYERS[layer])
    axes.set_ylabel(r"$\max_r \; \Vert w_r(T) - w_r(0) \Vert$", labelpad=8)
    axes.set_title("Lemma 4: largest row displacement")
    axes.plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
    axes.legend(loc="center right")


def _layers(members: pd.DataFrame) -> list[str]:
    return [layer for layer in ("mu", "sigma", "d") if f"row_{layer}" in members]


def _alt(members: Tables, curves: Tables) -> str:
    parts = []
    for run, table in members.items():
        means = table.groupby("width").mean(numeric_only=True)
        last = curves[run][curves[run]["time"] == curves[run]["time"].max()]
        widest = last[last["width"] == last["width"].max()]
        limit, own = means["flow_distance"], means["empirical_distance"]
        displaced = ", ".join(
            f"{LAYERS[layer][0]} {number(means[f'over_bound_{layer}'].iloc[-1])}"
            for layer in _layers(table)
        )
        parts.append(
            f"Run {run}: at the last time the widest network's loss is "
            f"{number(widest['loss'].mean())}, the kernel flow's "
            f"{number(widest['flow_loss'].mean())} and the bound "
            f"{number(widest['bound'].mean())}; the distance to gradient flow on the limit "
            f"kernel goes from {number(limit.iloc[0])} at m = {means.index[0]} "
            f"to {number(limit.iloc[-1])} at m = {means.index[-1]}, on the network's own kernel "
            f"from {number(own.iloc[0])} to {number(own.iloc[-1])}; the largest row displacement "
            f"over Lemma 4's bound at the largest width: {displaced}"
        )
    return (
        "Three panels per run: "
        "the loss against time for every width with the claimed bound (dotted) "
        "and the limit kernel's flow (dashed); the largest distance to the predictions of the "
        "limit kernel and of the network's own initial kernel against the width; the largest row "
        f"displacement of each layer and Lemma 4's bound against the width. {'; '.join(parts)}."
    )
