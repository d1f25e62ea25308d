"""Lemmas 1 to 3 at finite width: the kernel at the start against the width, and along training."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.image_panels import sentence
from vaentk.figures.style import LAYERS, REFERENCE, Drawing, finish, number, panels, styled

HEIGHT = 2.0
"""Inches of a row of panels: three of them fit a sheet of paper with their lettering unshrunk."""

TOTAL = (r"$\Theta$", "#0072B2", "o")
TEXTS = {"mu": r"$\Theta_\mu$", "sigma": r"$\Theta_\sigma$", "d": r"$\Theta_d$"}
RUNS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"))
"""Colours and markers of runs."""

PARTS = {part: (text, *LAYERS[part][1:]) for part, text in TEXTS.items()}
"""Label, colour and marker of the kernel and of its parts."""


def tangent_kernels(initial: Tables, *, runs: Runs) -> Drawing:
    """Draw three panels per run against the width: norm, smallest eigenvalue and blocks."""
    with styled():
        figure, rows = _rows(len(initial))
        for (norm, least, blocks), (run, table) in zip(rows, initial.items(), strict=True):
            _norm_panel(norm, table)
            _least_panel(least, table)
            _block_panel(blocks, table)
            norm.set_title(f"{runs.data[run]}, {run}, $d$ = {int(table['outputs'].iloc[0])}")
        first = rows[0][0]
        first.plot([], [], color=REFERENCE, label="equal outputs")
        first.plot([], [], "--", color=REFERENCE, label="between outputs")
        first.plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
        style.legend_below(figure, first)
        return finish(figure, _alt(initial))


def kernel_drift(initial: Tables, training: Tables, *, runs: Runs) -> Drawing:
    """Draw three panels per run that was trained: drift, its largest, smallest eigenvalue."""
    trained = {run: table for run, table in training.items() if len(table)}
    if not trained:
        return sentence("No run of this configuration trains the network.")
    with styled():
        figure, rows = _rows(len(trained))
        for axes, (run, table) in zip(rows, trained.items(), strict=True):
            _training(axes, table, float(initial[run]["lambda_0"].iloc[0]))
            axes[0].set_title(f"{runs.data[run]}, {run}")
        style.legend_below(figure, rows[0][0])
        return finish(figure, _alt_of_training(trained))


def _rows(count: int) -> tuple[Figure, list[list[Axes]]]:
    size = (style.PANEL[0] * 3, HEIGHT * count + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    return figure, [list(row) for row in figure.subplots(count, 3, squeeze=False)]


def kernel_flows(initial: Tables, *, runs: Runs) -> Drawing:
    """Draw how far apart the flows of Theta(0) and its limit are, of runs that have them."""
    known = {run: table for run, table in initial.items() if table["flow_distance"].notna().all()}
    with styled():
        figure, rows = panels(1, 2)
        distance, rate = rows[0]
        for look, (run, table) in zip(RUNS, known.items(), strict=False):
            label = f"{run}, $d$ = {int(table['outputs'].iloc[0])}"
            style.against_width(distance, table, "flow_distance", (label, *look))
            style.against_width(rate, table, "rate_over_limit", (label, *look), claimed=None)
        widths = sorted({width for table in known.values() for width in table["width"]})
        for axes in (distance, rate):
            style.power_ticks(axes, widths)
        distance.plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
        distance.set_title(r"flows of $\Theta(0)$ and of $\Theta_\infty$")
        distance.set_ylabel(r"$\max_t$ distance $/ \; \Vert f(0) - X \Vert_F$", labelpad=8)
        rate.axhline(1.0, color=REFERENCE, linewidth=0.7)
        rate.set(yscale="linear", ylabel="late rate over the limit's")
        rate.set_title("late rate of the loss")
        if known:
            distance.legend(loc="lower left")
        return finish(figure, _alt_flows(known))


def _norm_panel(axes: Axes, table: pd.DataFrame) -> None:
    style.against_width(axes, table, "norm", TOTAL)
    axes.lines[1].set(linewidth=4, alpha=0.4)
    for name, look in PARTS.items():
        style.against_width(axes, table, f"norm_{name}", look)
    expected = table.groupby("width")["wishart_norm"].mean()
    axes.plot(expected.index, expected, "--", color="#E69F00", label="random matrices")
    style.threshold(axes, float(table["lambda_0"].iloc[0]) / 4, r"$\lambda_0/4$ (Lemma 2)")
    axes.set_ylabel(r"$\Vert \Theta(0) - \Theta_\infty \Vert_2$")


def _least_panel(axes: Axes, table: pd.DataFrame) -> None:
    style.against_width(axes, table, "lambda_min_over", TOTAL, claimed=None)
    axes.set(yscale="linear")
    axes.set_ylim(0, max(1.05, 1.1 * table["lambda_min_over"].max()))
    error = table["lambda_min_error"] / table["lambda_0"]
    axes.errorbar(
        table["width"], table["lambda_min_over"], error, fmt="none", color=TOTAL[1], capsize=2
    )
    style.threshold(axes, 0.75, r"$3 \lambda_0/4$")
    axes.axhline(1.0, color=REFERENCE, linewidth=0.7)
    axes.set_ylabel(r"$\lambda_{\min}(\Theta(0)) \; / \; \lambda_0$")
    axes.set_title("smallest eigenvalue")


def _block_panel(axes: Axes, table: pd.DataFrame) -> None:
    for name, look in PARTS.items():
        for kind, line in (("within", "-"), ("between", "--")):
            column = f"{kind}_{name}"
            if (table[column] > 0).all():
                claimed = -0.5 if kind == "within" else None
                style.against_width(axes, table, column, look, claimed, line)
    axes.set_ylabel("rms deviation")
    axes.set_title("blocks of equal and of different outputs")


def _training(row: Sequence[Axes], table: pd.DataFrame, lambda_0: float) -> None:
    drift, largest, least = row
    _along(drift, table[table["time"] > 0], "drift")
    drift.set(yscale="log", ylabel=r"$\Vert \Theta(t) - \Theta(0) \Vert_2$")
    style.plain_ticks(drift)
    most = table.groupby(["width", "seed"])[["drift"]].max().reset_index()
    style.against_width(largest, most, "drift", TOTAL)
    style.threshold(largest, lambda_0 / 4, r"$\lambda_0/4$")
    largest.set_ylabel(r"$\max_t \; \Vert \Theta(t) - \Theta(0) \Vert_2$", labelpad=8)
    largest.set_title("largest drift")
    _along(least, table[table["time"] > 0], "lambda_min_over")
    least.set_ylim(0, max(1.05, 1.1 * table["lambda_min_over"].max()))
    style.threshold(least, 0.5, r"$\lambda_0/2$ (Lemma 3)", below=True)
    least.set_ylabel(r"$\lambda_{\min}(\Theta(t)) \; / \; \lambda_0$")
    least.set_title("smallest eigenvalue along training")


def _along(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """Draw a quantity against time: seeds as points, their mean as a line, widths as colours."""
    for width, colour in style.width_colours(sorted(table["width"].unique())).items():
        of_width = table[table["width"] == width]
        axes.plot(of_width["time"], of_width[column], "o", color=colour, alpha=0.45)
        means = of_width.groupby("fraction")[["time", column]].mean()
        axes.plot(means["time"], means[column], color=colour, label=f"$m$ = {width}")
    axes.set(xscale="log", xlabel="time $t$")


def _alt_flows(initial: Tables) -> str:
    parts = []
    for run, table in initial.items():
        means = table.groupby("width").mean(numeric_only=True)
        first, last = means.iloc[0], means.iloc[-1]
        parts.append(
            f"Run {run}: from m = {means.index[0]} to {means.index[-1]} the distance goes from "
            f"{number(first['flow_distance'])} to {number(last['flow_distance'])}, the late rate "
            f"over the limit's from {number(first['rate_over_limit'])} to "
            f"{number(last['rate_over_limit'])}"
        )
    return (
        "Two panels against the width: the largest distance over time between the gradient flows "
        "of Theta(0) and of its limit, with m^(-1/2) dotted; the late rate of the loss of the "
        f"first over that of the second. {'; '.join(parts)}."
    )


def _alt(initial: Tables) -> str:
    parts = []
    for run, table in initial.items():
        means = table.groupby("width").mean(numeric_only=True)
        first, last = means.iloc[0], means.iloc[-1]
        parts.append(
            f"Run {run}, {int(last['outputs'])} outputs: from m = {means.index[0]} to "
            f"{means.index[-1]} the norm goes from {number(first['norm'])} to "
            f"{number(last['norm'])}, where random matrices give "
            f"{number(last['wishart_norm'])} and lambda_0/4 is {number(last['lambda_0'] / 4)}; "
            f"lambda_min over lambda_0 goes from {number(first['lambda_min_over'])} to "
            f"{number(last['lambda_min_over'])}"
        )
    return (
        "Three panels per run, against the width: the spectral norm of Theta(0) - Theta_inf and of "
        "its three parts, with m^(-1/2) dotted; the smallest eigenvalue over lambda_0, with 3/4 "
        "marked; the deviation of blocks of equal and of different outputs. "
        f"{'; '.join(parts)}."
    )


def _alt_of_training(trained: Tables) -> str:
    parts = []
    for run, table in trained.items():
        widest = table[table["width"] == table["width"].max()]
        parts.append(
            f"Run {run}, m = {table['width'].max()}: largest drift "
            f"{number(widest.groupby('seed')['drift'].max().mean())}, smallest lambda_min over "
            f"lambda_0 {number(widest['lambda_min_over'].min())}"
        )
    return (
        "Three panels per run that was trained: "
        "drift of the kernel against time, a line per width; "
        "the largest drift against the width, with m^(-1/2) dotted; the smallest eigenvalue over "
        f"lambda_0 against time, with 1/2 marked. {'; '.join(parts)}."
    )
