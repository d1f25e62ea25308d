"""Figure 2 in the paper's form, and how its powers approach their limit."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import LAYERS, REFERENCE, Drawing, finish, number, panels, styled

PLOTTED = ("enc", "hid", "mu", "dec", "sigma")
"""Layers of Figure 2, and last W_sigma, which the paper does not plot."""

CLAIMED = PLOTTED[:-1]
"""Layers whose power the paper claims."""

RUN_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def weight_change(changes: Tables, slopes: Tables, *, runs: Runs) -> Drawing:
    """Draw one panel a run: points are seeds, solid lines their means, dotted lines the claim."""
    with styled():
        figure, (row,) = panels(1, len(changes), sharey=True)
        for axes, (run, table) in zip(row, changes.items(), strict=True):
            final = table[table["fraction"] == 1.0]
            fitted = slopes[run][slopes[run]["fraction"] == 1.0].set_index("layer")
            _panel(axes, final, fitted)
            axes.set_title(f"{runs.data[run]}, $d$ = {int(fitted['outputs'].iloc[0])}")
        row[0].set_ylabel(r"$\Vert W(T) - W(0) \Vert_F \; / \; \Vert W(0) \Vert_F$")
        style.legend_below(figure, row[0], {1: 2, 2: 3}.get(len(row), 6))
        return finish(figure, _alt(slopes))


def weight_change_slopes(local: Tables, slopes: Tables, *, runs: Runs) -> Drawing:
    """Draw, per layer, the slope between neighbouring widths, and the fitted slope over time."""
    with styled():
        figure, rows = panels(2, len(CLAIMED), sharey="col")
        for layer, above, below in zip(CLAIMED, *rows, strict=True):
            claimed = float("nan")
            for colour, (run, table) in zip(RUN_COLOURS, local.items(), strict=False):
                label = f"$d$ = {runs.settings[run].inputs.outputs}"
                near = table[table["layer"] == layer]
                _points(above, near["width_over_outputs"], near, colour, label)
                over_time = slopes[run][slopes[run]["layer"] == layer]
                _points(below, over_time["fraction"], over_time, colour, label)
                claimed = float(over_time["claimed"].iloc[0])
            for axes in (above, below):
                axes.axhline(claimed, color=REFERENCE, linestyle=":", linewidth=1.1)
                axes.set_xscale("log", base=2)
                axes.xaxis.set_major_formatter(_as_fraction)
            above.set_title(f"{LAYERS[layer][0]} (claimed {number(claimed)})")
            above.set_xlabel("width per output, $m/d$")
            below.set_xlabel("part of the training time")
        rows[0][0].set_ylabel("slope between widths")
        rows[1][0].set_ylabel("slope, largest widths")
        style.legend_below(figure, rows[0][0])
        return finish(figure, _alt_slopes(local))


def _panel(axes: Axes, final: pd.DataFrame, fitted: pd.DataFrame) -> None:
    widths = sorted(final["width"].unique())
    for layer in PLOTTED:
        label, colour, marker = LAYERS[layer]
        part = final[final["layer"] == layer]
        means = np.exp(np.log(part["change"]).groupby(part["width"]).mean())
        axes.plot(part["width"], part["change"], marker, color=colour, alpha=0.45, linestyle="")
        faint = 0.5 if layer == "sigma" else 1.0
        axes.plot(means.index, means, marker=marker, color=colour, label=label, alpha=faint)
        claimed = fitted["claimed"][layer]
        if np.isfinite(claimed):
            line = means.iloc[-1] * (np.array(widths) / widths[-1]) ** claimed
            axes.plot(widths, line, ":", color=REFERENCE, linewidth=1.1)
    axes.plot([], [], ":", color=REFERENCE, label="claimed power")
    style.power_ticks(axes, widths)
    axes.set_yscale("log")
    axes.set_xlabel("width $m$")


def _alt(slopes: Tables) -> str:
    parts = []
    for table in slopes.values():
        final = table[table["fraction"] == 1.0].set_index("layer")
        fits = ", ".join(f"{LAYERS[layer][0]} {number(final['slope'][layer])}" for layer in PLOTTED)
        parts.append(f"{final['outputs'].iloc[0]} outputs: {fits}")
    return (
        "Log-log plots of the relative change of each layer's weights against the width; all fall. "
        f"Fitted powers over the largest widths at the final time, by output dimension. "
        f"{'; '.join(parts)}."
    )


def _as_fraction(value: float, _: float | None = None) -> str:
    """Label a power of two: 4, 2, 1, 1/2, 1/4."""
    return f"{value:g}" if value >= 1 else f"1/{1 / value:g}"


def _points(axes: Axes, x: pd.Series, table: pd.DataFrame, colour: str, label: str) -> None:
    """Draw slopes with their intervals; an interval wider than the panel is cut by it."""
    axes.plot(x, table["slope"], "o-", color=colour, label=label)
    axes.vlines(x, table["low"], table["high"], color=colour, linewidth=0.9, alpha=0.6)


def _alt_slopes(local: Tables) -> str:
    parts = []
    for table in local.values():
        widest = table[table["width"] == table["width"].max()].set_index("layer")
        ratio = number(widest["width_over_outputs"].iloc[0])
        fits = ", ".join(
            f"{LAYERS[layer][0]} {number(widest.loc[layer, 'slope'])}" for layer in CLAIMED
        )
        parts.append(f"{int(widest['outputs'].iloc[0])} outputs at m/d = {ratio}: {fits}")
    return (
        "Eight panels: above, the slope between neighbouring widths against width per output; "
        "below, the slope over the largest widths against the part of the training time; a dotted "
        f"line marks the claimed power. Slopes at the largest widths: {'; '.join(parts)}."
    )
