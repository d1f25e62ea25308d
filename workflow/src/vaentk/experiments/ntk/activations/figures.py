"""X1: the limit kernel's eigenvalues, the loss and its late rate, by activation."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

COLOURS = {
    "erf": "#0072B2",
    "tanh": "#56B4E9",
    "sigmoid": "#009E73",
    "soft_clipping": "#CC79A7",
    "softplus": "#E69F00",
    "gelu": "#D55E00",
    "relu": "#000000",
    "leaky_relu": "#8C8C8C",
    "identity": "#8B6F00",
}
"""Okabe and Ito's palette, with grey and a darker yellow."""


def activations(curves: Tables, members: Tables, agreement: Tables, *, runs: Runs) -> Drawing:
    """Draw four panels per run; activations outside Assumption 4.1 have hollow markers."""
    with styled():
        figure, rows = panels(2 * len(curves), 2)
        for index, run in enumerate(curves):
            (least, condition), (loss, rate) = rows[2 * index : 2 * index + 2]
            table = members[run]
            kernels = table.groupby("activation").first().sort_values("lambda_0")
            _values(least, kernels["lambda_0"], kernels)
            least.set_xlabel(r"smallest eigenvalue $\lambda_0$ of the limit kernel")
            least.set_title(f"{runs.label}, {run}")
            _values(condition, kernels["lambda_max"] / kernels["lambda_0"], kernels)
            condition.set_yticklabels([])
            condition.set_xlabel(r"condition $\lambda_{\max} / \lambda_0$")
            condition.set_title("limit kernel")
            _loss_panel(loss, curves[run])
            _rate_panel(rate, table, agreement[run])
        first = next(iter(members.values()))
        figure.legend(handles=_handles(first), loc="outside lower center", ncols=5)
        return finish(figure, _alt(members, agreement))


def _face(name: str, meets: bool) -> str:
    """Colour inside a marker: none for what lies outside Assumption 4.1."""
    return COLOURS[name] if meets else "white"


def _values(axes: Axes, values: pd.Series, kernels: pd.DataFrame) -> None:
    """Draw one number an activation, in the order of the frame."""
    for place, name in enumerate(values.index):
        face = _face(name, bool(kernels["meets_assumptions"][name]))
        axes.plot(values[name], place, "o", color=COLOURS[name], markerfacecolor=face)
    axes.set_yticks(range(len(values)), [name.replace("_", " ") for name in values.index])
    axes.set_ylim(-0.6, len(values) - 0.4)
    axes.set_xscale("log")
    ends = float(values.min() / 1.5), float(values.max() * 1.5)
    axes.set_xlim(*ends)
    style.log_ticks(axes.xaxis, *ends)


def _loss_panel(axes: Axes, curve: pd.DataFrame) -> None:
    """Draw the widest network's mean loss over seeds, and the kernel flow's, from their start."""
    widest = int(curve["width"].max())
    for name, part in curve[curve["width"] == widest].groupby("variant", sort=False):
        means = part.groupby("time")[["loss", "flow_loss"]].mean()
        start = means["loss"].iloc[0]
        later = means.iloc[1:] / start
        axes.plot(later.index, later["loss"], color=COLOURS[str(name)], linewidth=1.1)
        axes.plot(later.index, later["flow_loss"], "--", color=COLOURS[str(name)], linewidth=1.1)
    axes.set(xscale="log", yscale="log", xlabel="time $t$", ylabel="loss / loss at the start")
    axes.set_title(f"loss, $m$ = {widest}")
    solid = Line2D([], [], color=REFERENCE, label="network")
    dashed = Line2D([], [], color=REFERENCE, linestyle="--", label="kernel flow")
    axes.legend(handles=[solid, dashed], loc="lower left")


def _rate_panel(axes: Axes, table: pd.DataFrame, agreement: pd.DataFrame) -> None:
    """Draw the measured late rate against the kernel flow's: small dots seeds, large ones means."""
    widest = table[table["width"] == table["width"].max()]
    for name, part in widest.groupby("activation", sort=False):
        colour = COLOURS[str(name)]
        face = _face(str(name), bool(part["meets_assumptions"].iloc[0]))
        axes.plot(part["rate_flow"], part["rate"], ".", color=colour, markersize=3)
        mean = part[["rate_flow", "rate"]].mean()
        axes.plot(*mean, "o", color=colour, markerfacecolor=face)
    rates = widest[["rate", "rate_flow"]].to_numpy()
    ends = [rates.min() / 1.3, rates.max() * 1.3]
    axes.plot(ends, ends, ":", color=REFERENCE, linewidth=1.1)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    axes.set_xlabel("late rate of the kernel flow")
    axes.set_ylabel("late rate of the network")
    axes.set_title(f"rates, $m$ = {int(widest['width'].iloc[0])} (dotted: equal)")
    said = rf"rank correlation with $\lambda_0$: {number(agreement['rank_correlation'].mean())}"
    axes.annotate(said, (0.97, 0.04), xycoords="axes fraction", ha="right", fontsize=8)


def _handles(table: pd.DataFrame) -> list[Line2D]:
    meets = table.groupby("activation", sort=False)["meets_assumptions"].first()
    handles = []
    for name in meets.index:
        entry = Line2D([], [], color=COLOURS[name], marker="o", label=name.replace("_", " "))
        entry.set_markerfacecolor(_face(name, meets[name]))
        handles.append(entry)
    if not meets.all():
        label = "outside Assumption 4.1"
        hollow = Line2D([], [], color=REFERENCE, marker="o", linestyle="", label=label)
        hollow.set_markerfacecolor("white")
        handles.append(hollow)
    return handles


def _alt(members: Tables, agreement: Tables) -> str:
    parts = []
    for run, table in members.items():
        widest = table[table["width"] == table["width"].max()]
        least = widest.groupby("activation")["lambda_0"].first().sort_values()
        rates = widest.groupby("activation")[["rate", "rate_flow"]].mean()
        off = (rates["rate"] / rates["rate_flow"] - 1).abs()
        outside = list(widest[~widest["meets_assumptions"]]["activation"].unique())
        parts.append(
            f"Run {run}: lambda_0 goes from {number(least.iloc[0])} for {least.index[0]} to "
            f"{number(least.iloc[-1])} for {least.index[-1]}; outside Assumption 4.1: "
            f"{', '.join(outside) or 'none'}; at m = {int(widest['width'].iloc[0])} a network's "
            f"late rate differs from the kernel flow's by at most {number(100 * off.max())}% "
            f"({off.idxmax()}), and the rates have rank correlation "
            f"{number(agreement[run]['rank_correlation'].mean())} with lambda_0"
        )
    return (
        "Four panels per run: the limit kernel's smallest eigenvalue and condition by activation, "
        "the loss against time with the kernel flow's (dashed), and the late rate of the loss "
        f"against the kernel flow's. {'. '.join(parts)}."
    )
