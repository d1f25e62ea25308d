"""What sampled noise adds: by learning rate, over time, and over its prediction by width."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs, Tables
from vaentk.experiments.ntk.sampled_noise import FLOW, SAMPLED
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

SHADES = ("#D55E00", "#E69F00", "#56B4E9", "#0072B2", "#009E73", "#CC79A7")
"""Colours of learning rates, the largest first; they are used again where there are more."""

OVER_PREDICTED = ("measured over predicted", "#0072B2", "o")


def sampled_noise(times: Tables, summaries: Tables, members: Tables, *, runs: Runs) -> Drawing:
    """Draw three panels per run."""
    with styled():
        figure, rows = panels(len(times), 3)
        for (by_rate, over_time, by_width), run in zip(rows, times, strict=True):
            _by_rate(by_rate, summaries[run], f"{runs.data[run]}, {run}")
            _over_time(over_time, times[run])
            _by_width(by_width, members[run])
        return finish(figure, _alt(summaries, members))


def _by_rate(axes: Axes, summary: pd.DataFrame, title: str) -> None:
    """Draw the excess against the learning rate, with intervals, and what is predicted (dashed)."""
    sampled = summary[summary["way"] == SAMPLED].sort_values("learning_rate")
    for width, colour in style.width_colours(sorted(sampled["width"].unique())).items():
        part = sampled[sampled["width"] == width]
        rates, excess = part["learning_rate"], part["excess"]
        ends = (excess - part["excess_low"], part["excess_high"] - excess)
        bars = [np.nan_to_num(end) for end in ends]
        bars[0] = np.minimum(bars[0], 0.95 * excess.clip(lower=0))  # the axis has no zero
        axes.errorbar(rates, excess, bars, fmt="o-", color=colour, label=f"$m$ = {width}")
        axes.plot(rates, part["predicted"], "--", color=colour, linewidth=1.0)
    axes.plot([], [], "--", color=REFERENCE, label="predicted")
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="excess over exact flow")
    ticks = sorted(sampled["learning_rate"].unique())
    axes.set_xticks(ticks, [f"{rate:g}" for rate in ticks])
    axes.minorticks_off()
    style.plain_ticks(axes)
    axes.set_title(title)
    axes.legend(loc="upper left")


def _over_time(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the mean network's error at the largest width, means over seeds, with the bound."""
    widest = table[(table["width"] == table["width"].max()) & (table["time"] > 0)]
    rates = sorted(widest.loc[widest["way"] == SAMPLED, "learning_rate"].unique(), reverse=True)
    for place, rate in enumerate(rates):
        sampled = widest[(widest["way"] == SAMPLED) & (widest["learning_rate"] == rate)]
        means = sampled.groupby("time")["mean_error"].mean()
        colour = SHADES[place % len(SHADES)]
        axes.plot(means.index, means, color=colour, linewidth=1.1, label=f"rate {rate:g}")
    flow = widest[widest["way"] == FLOW].groupby("time").mean(numeric_only=True)
    axes.plot(flow.index, flow["mean_error"], color=REFERENCE, label="exact flow")
    axes.plot(flow.index, flow["bound"], ":", color=REFERENCE, label="claimed bound")
    axes.set(xscale="log", yscale="log", xlabel="time $t$", ylabel="mean network's error (Eq. 7)")
    axes.set_title(f"zeta sampled, $m$ = {widest['width'].max()}")
    axes.legend(loc="lower left")


def _by_width(axes: Axes, members: pd.DataFrame) -> None:
    """Draw the excess over its prediction, seeds as points."""
    style.against_width(axes, members, "over_predicted", OVER_PREDICTED, claimed=None)
    axes.axhline(1.0, color=REFERENCE, linestyle="-.", linewidth=0.9)
    axes.set_ylabel("excess over its prediction")
    axes.set_title("all learning rates together")


def _alt(summaries: Tables, members: Tables) -> str:
    parts = []
    for run, table in summaries.items():
        sampled = table[(table["way"] == SAMPLED) & (table["width"] == table["width"].max())]
        sampled = sampled.sort_values("learning_rate")
        ends = " to ".join(number(value) for value in sampled["excess"].iloc[[0, -1]])
        rates = " to ".join(number(value) for value in sampled["learning_rate"].iloc[[0, -1]])
        over = members[run].groupby("width")["over_predicted"].mean()
        ratios = ", ".join(f"{number(value)} at m = {width}" for width, value in over.items())
        parts.append(
            f"Run {run}, m = {table['width'].max()}: at learning rates of {rates} the excess is "
            f"{ends}, of an expected objective of {number(sampled['expected'].iloc[0])}; the "
            f"excess over its prediction is {ratios}"
        )
    return (
        "Three panels per run: "
        "the excess of the expected objective over exact gradient flow against "
        "the learning rate, by width, with the prediction (dashed); the mean network's error "
        "against time at the largest width, for every learning rate and the exact flow, with "
        "Theorem 1's bound (dotted); the excess over its prediction against the width. "
        f"{'; '.join(parts)}."
    )
