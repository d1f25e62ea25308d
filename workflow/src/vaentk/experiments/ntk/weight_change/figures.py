"""Figure 2 in the paper's form: relative change of every layer against the width."""

from collections.abc import Mapping

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

PLOTTED = ("enc", "hid", "mu", "dec", "sigma")


def draw(
    changes: Mapping[str, pd.DataFrame], slopes: Mapping[str, pd.DataFrame], data: str
) -> Drawing:
    """Draw one panel a run: points are seeds, solid lines their means, dotted lines the claim.

    Parameters
    ----------
    changes, slopes
        Measures by run, at all recorded times; the final time is drawn.
    data
        What the images are, for the title.
    """
    with styled():
        figure, (row,) = panels(1, len(changes), sharey=True)
        for axes, (run, table) in zip(row, changes.items(), strict=True):
            final = table[table["fraction"] == 1.0]
            fitted = slopes[run][slopes[run]["fraction"] == 1.0].set_index("layer")
            _panel(axes, final, fitted)
            outputs = int(fitted["outputs"].iloc[0])
            axes.set_title(f"{data}, $d$ = {outputs}")
        row[0].set_ylabel(r"$\Vert W(T) - W(0) \Vert_F \; / \; \Vert W(0) \Vert_F$")
        handles, labels = row[0].get_legend_handles_labels()
        columns = {1: 2, 2: 3}.get(len(row), 6)
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)
        return finish(figure, _alt(slopes))


def _panel(axes: Axes, final: pd.DataFrame, fitted: pd.DataFrame) -> None:
    widths = sorted(final["width"].unique())
    for layer in PLOTTED:
        label, colour, marker = LAYERS[layer]
        part = final[final["layer"] == layer]
        means = np.exp(np.log(part["change"]).groupby(part["width"]).mean())
        axes.plot(part["width"], part["change"], marker, color=colour, alpha=0.45, linestyle="")
        faint = 0.5 if layer == "sigma" else 1.0
        axes.plot(means.index, means, color=colour, label=label, alpha=faint)
        claimed = fitted["claimed"][layer]
        if np.isfinite(claimed):
            line = means.iloc[-1] * (np.array(widths) / widths[-1]) ** claimed
            axes.plot(widths, line, ":", color=REFERENCE, linewidth=1.1)
    axes.plot([], [], ":", color=REFERENCE, label="claimed power")
    power_ticks(axes, widths)
    axes.set_yscale("log")
    axes.set_xlabel("width $m$")


def _alt(slopes: Mapping[str, pd.DataFrame]) -> str:
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
