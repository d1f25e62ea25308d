"""The ELBO's reconstruction term: its parts over time by objective, its bound, its end by width."""

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

PARTS = {
    "reconstruction": ("reconstruction", "#009E73", 3.0),
    "mean_error": ("mean network", "#0072B2", 1.4),
    "variance_term": ("variance term", "#D55E00", 1.4),
}
"""Label, colour and line width of a part of the loss; the sum lies under its larger part."""

OBJECTIVES = {
    "mean": ("Eq. 7", "#CC79A7", "s"),
    "elbo": ("ELBO", "#009E73", "o"),
}
"""Label, colour and marker of what is trained."""


def elbo(times: Tables, summaries: Tables, *, runs: Runs) -> Drawing:
    """Draw four panels per run."""
    with styled():
        figure, rows = panels(len(times), 4)
        for (on_mean, on_elbo, widths, ends), run in zip(rows, times, strict=True):
            table = times[run]
            _parts(on_mean, table, "mean", f"{runs.data[run]}, {run}:\ntrained on Eq. 7")
            _parts(on_elbo, table, "elbo", "trained on the\nELBO's reconstruction")
            top = max(on_mean.get_ylim()[1], on_elbo.get_ylim()[1])
            low = min(on_mean.get_ylim()[0], on_elbo.get_ylim()[0])
            for axes in (on_mean, on_elbo):
                axes.set_ylim(low, top)
            on_mean.legend(loc="lower left")
            _widths(widths, table[table["objective"] == "elbo"])
            _ends(ends, table)
        return finish(figure, _alt(summaries))


def _parts(axes: Axes, table: pd.DataFrame, objective: str, title: str) -> None:
    """Draw both parts and their sum at the largest width, means over seeds."""
    widest = table[(table["width"] == table["width"].max()) & (table["time"] > 0)]
    means = widest[widest["objective"] == objective].groupby("time").mean(numeric_only=True)
    for column, (label, colour, wide) in PARTS.items():
        axes.plot(means.index, means[column], color=colour, linewidth=wide, label=label)
    _bound_and_zero(axes, means)
    axes.set(xscale="log", yscale="log", xlabel="time $t$", ylabel="loss (Eq. 7's units)")
    axes.set_title(title)


def _bound_and_zero(axes: Axes, means: pd.DataFrame) -> None:
    axes.plot(means.index, means["bound"], ":", color=REFERENCE, label="claimed bound")
    zero = means["reconstruction"] / means["over_zero"]
    axes.plot(means.index, zero, "-.", color=REFERENCE, linewidth=0.9, label="answering zero")


def _widths(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the reconstruction by width, means over seeds, trained on it."""
    later = table[table["time"] > 0].groupby(["width", "time"]).mean(numeric_only=True)
    widths = sorted(table["width"].unique())
    for width, colour in style.width_colours(widths).items():
        means = later.loc[width]
        axes.plot(means.index, means["reconstruction"], color=colour, label=f"$m$ = {width}")
    _bound_and_zero(axes, later.loc[widths[-1]])
    axes.set(xscale="log", yscale="log", xlabel="time $t$", ylabel="reconstruction")
    axes.set_title("trained on the ELBO's\nreconstruction, by width")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[: len(widths)], labels[: len(widths)], loc="lower left")


def _ends(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the reconstruction after training over that of answering zero, against the width."""
    last = table[table["time"] == table["time"].max()]
    for objective, look in OBJECTIVES.items():
        of_one = last[last["objective"] == objective]
        style.against_width(axes, of_one, "over_zero", look, claimed=None)
    axes.axhline(1.0, color=REFERENCE, linestyle="-.", linewidth=0.9)
    axes.set_ylabel("final over answering zero")
    axes.set_title("reconstruction after\ntraining, by objective")
    axes.legend(loc="center left")


def _alt(summaries: Tables) -> str:
    parts = []
    for run, table in summaries.items():
        widest = table[table["width"] == table["width"].max()].set_index("objective")
        mean, elbo = widest.loc["mean"], widest.loc["elbo"]
        parts.append(
            f"Run {run}, m = {table['width'].max()}: the variance term starts at "
            f"{number(elbo['variance_start'])}, its closed form is {number(elbo['floor'])}; after "
            f"training on Eq. 7 it is {number(mean['variance_final'])}, on the ELBO's "
            f"reconstruction {number(elbo['variance_final'])}; the reconstruction is then "
            f"{number(mean['over_zero'])} and {number(elbo['over_zero'])} times that of answering "
            f"zero, and the latent's standard deviation {number(mean['latent_std'])} and "
            f"{number(elbo['latent_std'])}; the largest log of loss over bound is "
            f"{number(elbo['margin'])} for the latter and {number(elbo['mean_margin'])} for its "
            "mean network"
        )
    return (
        "Four panels per run: "
        "the reconstruction term of the ELBO, the mean network's error and the "
        "variance term against time, trained on Eq. 7 and on the whole, with the claimed bound "
        "(dotted) and the loss of answering zero (dash-dotted); the reconstruction by width; and "
        f"its end over that of answering zero against the width. {'; '.join(parts)}."
    )
