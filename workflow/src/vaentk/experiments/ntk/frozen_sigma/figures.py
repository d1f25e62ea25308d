"""X2: what training W_sigma changes, beside the network's distance to its kernel limit."""

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

VARIANTS = {"trained": ("#D55E00", 3.2), "frozen": ("#0072B2", 1.2)}
"""Colour and line width of the two networks, whose curves lie on each other."""

SIZES = {
    "distance": ("distance: frozen to its kernel", "#0072B2", "o", -0.5, ":"),
    "difference": ("difference: trained to frozen", "#D55E00", "s", -1.0, "-."),
}
"""Label, colour and marker; power of the width that is drawn beside them, and its line."""


def frozen_sigma(curves: Tables, difference: Tables, *, runs: Runs) -> Drawing:
    """Draw two panels per run: both networks' losses, and the two distances."""
    with styled():
        figure, rows = panels(len(curves), 2)
        for (loss, sizes), run in zip(rows, curves, strict=True):
            _losses(loss, curves[run], f"{runs.label}, {run}")
            _sizes(sizes, difference[run])
        return finish(figure, _alt(difference))


def _losses(axes: Axes, curve: pd.DataFrame, title: str) -> None:
    """Draw the widest networks' mean losses over seeds, and the flow of the limit kernel."""
    widest = curve[(curve["width"] == curve["width"].max()) & (curve["time"] > 0)]
    for variant, (colour, wide) in VARIANTS.items():
        means = widest[widest["variant"] == variant].groupby("time")["loss"].mean()
        label = rf"$W_\sigma$ {variant}"
        axes.plot(means.index, means, color=colour, linewidth=wide, label=label)
    flow = widest[widest["variant"] == "frozen"].groupby("time")["flow_loss"].mean()
    axes.plot(flow.index, flow, "--", color=REFERENCE, linewidth=1.1, label="kernel flow, frozen")
    axes.set(xscale="log", yscale="log", xlabel="time $t$", ylabel="loss (Eq. 7)")
    axes.set_title(f"{title}, $m$ = {int(curve['width'].max())}")
    axes.legend(loc="lower left")


def _sizes(axes: Axes, table: pd.DataFrame) -> None:
    """Draw seeds as points, their mean as a line, and a power of the width from the narrowest."""
    for column, (*look, power, line) in SIZES.items():
        style.against_width(axes, table, column, look, claimed=None)
        means = table.groupby("width")[column].mean()
        reference = means.iloc[0] * (means.index / means.index[0]) ** power
        axes.plot(means.index, reference, line, color=REFERENCE, linewidth=1.1)
    axes.plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
    axes.plot([], [], "-.", color=REFERENCE, label=r"$m^{-1}$")
    axes.set_ylabel(r"relative to $\Vert f(0) - X \Vert_F$")
    axes.set_title("distances of outputs")
    axes.legend(loc="lower left")


def _alt(difference: Tables) -> str:
    parts = []
    for run, table in difference.items():
        means = table.groupby("width")[["difference", "distance"]].mean()
        first, last = means.iloc[0], means.iloc[-1]
        parts.append(
            f"Run {run}: from m = {means.index[0]} to {means.index[-1]} the difference goes from "
            f"{number(first['difference'])} to {number(last['difference'])} and the distance from "
            f"{number(first['distance'])} to {number(last['distance'])}; their ratio is at most "
            f"{number(table['ratio'].max())}"
        )
    return (
        "Two panels per run: the loss with W_sigma trained and frozen, and the kernel flow; the "
        "difference of the two networks' final outputs beside the distance to the kernel limit, "
        f"against the width. {'. '.join(parts)}."
    )
