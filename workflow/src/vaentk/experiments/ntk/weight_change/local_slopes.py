"""How Figure 2's powers approach their limit: against width per output, and along training."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from vaentk.figures.style import LAYERS, REFERENCE, Drawing, finish, number, panels, styled

PLOTTED = ("enc", "hid", "mu", "dec")
RUN_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def draw(local: Mapping[str, pd.DataFrame], slopes: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw, per layer, the slope between neighbouring widths, and the fitted slope over time.

    Parameters
    ----------
    local
        Slopes between neighbouring widths by run, at the final time.
    slopes
        Slopes over the largest widths by run, at all recorded times.
    """
    with styled():
        figure, rows = panels(2, len(PLOTTED), sharey="col")
        for column, layer in enumerate(PLOTTED):
            claimed = float("nan")
            for colour, (run, table) in zip(RUN_COLOURS, local.items(), strict=False):
                label = f"$d$ = {int(table['outputs'].iloc[0])}"
                near = table[table["layer"] == layer]
                _points(rows[0][column], near["width_over_outputs"], near, colour, label)
                over_time = slopes[run][slopes[run]["layer"] == layer]
                _points(rows[1][column], over_time["fraction"], over_time, colour, label)
                claimed = float(over_time["claimed"].iloc[0])
            for row in rows:
                row[column].axhline(claimed, color=REFERENCE, linestyle=":", linewidth=1.1)
                row[column].set_xscale("log", base=2)
                row[column].xaxis.set_major_formatter(_as_fraction)
            rows[0][column].set_title(f"{LAYERS[layer][0]} (claimed {number(claimed)})")
            rows[0][column].set_xlabel("width per output, $m/d$")
            rows[1][column].set_xlabel("part of the training time")
        rows[0][0].set_ylabel("slope between widths")
        rows[1][0].set_ylabel("slope, largest widths")
        handles, labels = rows[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        return finish(figure, _alt(local))


def _as_fraction(value: float, _: float | None = None) -> str:
    """Label a power of two: 4, 2, 1, 1/2, 1/4."""
    return f"{value:g}" if value >= 1 else f"1/{1 / value:g}"


def _points(axes: Axes, x: pd.Series, table: pd.DataFrame, colour: str, label: str) -> None:
    """Draw slopes with their intervals; an interval wider than the panel is cut by it."""
    axes.plot(x, table["slope"], "o-", color=colour, label=label)
    axes.vlines(x, table["low"], table["high"], color=colour, linewidth=0.9, alpha=0.6)


def _alt(local: Mapping[str, pd.DataFrame]) -> str:
    parts = []
    for table in local.values():
        widest = table[table["width"] == table["width"].max()].set_index("layer")
        ratio = number(widest["width_over_outputs"].iloc[0])
        fits = ", ".join(
            f"{LAYERS[layer][0]} {number(widest.loc[layer, 'slope'])}" for layer in PLOTTED
        )
        parts.append(f"{int(widest['outputs'].iloc[0])} outputs at m/d = {ratio}: {fits}")
    return (
        "Eight panels: above, the slope between neighbouring widths against width per output; "
        "below, the slope over the largest widths against the part of the training time; a dotted "
        f"line marks the claimed power. Slopes at the largest widths: {'; '.join(parts)}."
    )
