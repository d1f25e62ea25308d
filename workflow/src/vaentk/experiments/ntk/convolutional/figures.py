"""The convolutional network: its loss with bound and prediction, and distances by channels."""

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

DISTANCES = {
    "norm_over": (r"$\Theta(0)$ from $K$, over $K$", "#009E73", "^"),
    "flow_distance": (r"outputs from the flow of $K$", "#0072B2", "o"),
    "empirical_distance": (r"from the flow of $\Theta(0)$", "#D55E00", "s"),
}
DISPLACEMENTS = {
    "row_mu": (r"filter, $W_\mu$", "#009E73", "^"),
    "row_sigma": (r"filter, $W_\sigma$", "#7F7F7F", "v"),
    "row_d": (r"row of $W_d$", "#CC79A7", "D"),
}
"""Label, colour and marker by column."""

LEGEND_SHARE = 0.4
"""Part of a panel that is kept free below the data for its legend."""


def convolutional(curves: Tables, members: Tables, *, runs: Runs) -> Drawing:
    """Draw three panels per run."""
    with styled():
        figure, rows = panels(len(curves), 3)
        for (loss, distance, moved), run in zip(rows, curves, strict=True):
            _loss(loss, curves[run], f"{runs.data[run]}, {run}")
            _by_channels(distance, members[run], DISTANCES, "relative distance")
            distance.set_title("distance to the limit")
            _by_channels(moved, members[run], DISPLACEMENTS, "largest displacement")
            moved.set_title("filters and rows of $W_d$")
        return finish(figure, _alt(members))


def _loss(axes: Axes, curve: pd.DataFrame, title: str) -> None:
    later = curve[curve["time"] > 0]
    widths = sorted(curve["width"].unique())
    for width, colour in style.width_colours(widths).items():
        for index, (_, run) in enumerate(later[later["width"] == width].groupby("seed")):
            label = None if index else f"$m$ = {width}"
            axes.plot(run["time"], run["loss"], color=colour, linewidth=1.0, label=label)
    widest = later[later["width"] == widths[-1]].groupby("time").mean(numeric_only=True)
    axes.plot(widest.index, widest["flow_loss"], "--", color=REFERENCE, label="kernel flow")
    axes.plot(widest.index, widest["bound"], ":", color=REFERENCE, label="claimed bound")
    axes.set(xscale="log", yscale="log", xlabel="time $t$", ylabel="loss (Eq. 7)")
    axes.set_title(title)
    axes.legend(loc="lower left")


def _by_channels(
    axes: Axes, members: pd.DataFrame, looks: dict[str, tuple[str, str, str]], label: str
) -> None:
    for column, look in looks.items():
        if column in members:
            style.against_width(axes, members, column, look)
    axes.set(xlabel="channels $m$")
    axes.set_ylabel(label, labelpad=8)
    axes.plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
    low, high = axes.get_ylim()
    axes.set_ylim(low * (low / high) ** (LEGEND_SHARE / (1 - LEGEND_SHARE)), high)
    axes.legend(loc="lower left")


def _alt(members: Tables) -> str:
    parts = []
    for run, table in members.items():
        means = table.groupby("width").mean(numeric_only=True)
        told = {
            column: look[0].replace("$", "").replace("\\", "")
            for column, look in (DISTANCES | DISPLACEMENTS).items()
        }
        changes = [
            f"{words} goes from {number(means[column].iloc[0])} to {number(means[column].iloc[-1])}"
            for column, words in told.items()
            if column in means
        ]
        ends = f"from {means.index[0]} to {means.index[-1]} channels"
        parts.append(
            f"Run {run}, {ends}: {', '.join(changes)}; the largest log of loss over bound is "
            f"{number(table['margin'].max())}"
        )
    return (
        "Three panels per run: the loss against time by number of channels with the claimed bound "
        "(dotted) and the flow of the convolutional limit kernel (dashed); distances to the limit "
        "kernel and to kernels' predictions against the number of channels; the largest "
        f"displacement of a filter and of a row of the decoder. {'; '.join(parts)}."
    )
