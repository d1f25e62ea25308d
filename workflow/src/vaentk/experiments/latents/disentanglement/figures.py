"""Figure 3: scores against the latent size, with the nulls; beside it active units and losses."""

from collections.abc import Iterable, Mapping
from math import isfinite
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaentk.experiments.declaration import Runs
from vaentk.experiments.latents.disentanglement.figure_traversals import traversals
from vaentk.experiments.latents.disentanglement.labels import METRICS, NULLS, TRAINED
from vaentk.figures.style import (
    REFERENCE,
    Drawing,
    finish,
    number,
    panels,
    power_ticks,
    styled,
    width_colours,
)
from vaentk.statistics.intervals import mean

__all__ = ["disentanglement", "disentanglement_curves", "disentanglement_units", "traversals"]

QUANTITIES = {
    "active_units": "active units",
    "reconstruction": "reconstruction (nats an image)",
    "kl": "KL (nats an image)",
}
"""What stands beside the scores."""

UNIT_TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)

BETA_STYLES = (
    *(("#0072B2", "o"), ("#D55E00", "^"), ("#009E73", "D")),
    *(("#CC79A7", "v"), ("#E69F00", "P"), ("#56B4E9", "*")),
)
"""Colour (Okabe and Ito's palette) and marker of each beta."""

NULL_STYLES = {"untrained": ("s", "--"), "random": ("x", ":")}
"""Marker and line of what scores without training."""

GREY = "#7F7F7F"
SHIFT = 0.14  # octaves between neighbouring betas at one latent size

ASIDE = 0.06  # of the distance between two steps, between neighbouring latent sizes

MARGIN = 0.15
"""What is shown beyond the outermost points, as a part of their range; longer intervals are cut."""

LEAST_MARGIN = 0.02
LABEL_WIDTH = 26  # characters in a line of a row's label


def disentanglement(scores: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw a row of panels per run, one panel per metric.

    Points are seeds, lines their means; bars are 95% intervals of the mean of trained networks,
    where there are two seeds or more, cut at the edge of the panel.
    """
    metrics = _metrics(scores)
    with styled():
        figure, rows = panels(len(scores), len(metrics))
        for row, (run, table) in zip(rows, scores.items(), strict=True):
            for axes, metric in zip(row, metrics, strict=True):
                own = table[table["metric"] == metric]
                if own.empty:  # as DCI is, whose trees a run may leave out
                    axes.set_axis_off()
                    axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center")
                else:
                    _scores(axes, own)
            row[0].set_ylabel(f"{fill(runs.data[run], LABEL_WIDTH)}\nscore")
        for axes, metric in zip(rows[0], metrics, strict=True):
            axes.set_title(METRICS[metric])
        for axes in rows[-1]:
            axes.set_xlabel("latent size")
        _legend(figure, [row[0] for row in rows])
        return finish(figure, _alt_of_scores(scores, runs.data))


def disentanglement_curves(curves: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw scores along training: rows are runs, panels metrics, lines latent sizes.

    Lines are means over seeds, bars 95% intervals of the mean; steps are evenly spaced as they
    double, with the untrained network before them.
    """
    metrics = _metrics(curves)
    colours = width_colours(sorted({n for table in curves.values() for n in table["latent"]}))
    with styled():
        figure, rows = panels(len(curves), len(metrics))
        for row, (run, table) in zip(rows, curves.items(), strict=True):
            for axes, metric in zip(row, metrics, strict=True):
                _along_training(axes, table[table["metric"] == metric], colours)
            row[0].set_ylabel(f"{fill(runs.data[run], LABEL_WIDTH)}\nscore")
        for axes, metric in zip(rows[0], metrics, strict=True):
            axes.set_title(METRICS[metric])
        for axes in rows[-1]:
            axes.set_xlabel("steps")
        _legend(figure, [row[0] for row in rows])
        return finish(figure, _alt_of_curves(curves, runs.data))


def disentanglement_units(summaries: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw three panels per run: points are seeds, lines their means, bars 95% intervals."""
    with styled():
        figure, rows = panels(len(summaries), len(QUANTITIES))
        for row, (run, table) in zip(rows, summaries.items(), strict=True):
            for axes, (column, label) in zip(row, QUANTITIES.items(), strict=True):
                _trained_networks(axes, table, column)
                _fit_points(axes, table[column])
                axes.set_ylabel(label)
            _units_axis(row[0], table)
            row[0].set_ylabel(f"{fill(runs.data[run], LABEL_WIDTH)}\nactive units")
        for axes in rows[-1]:
            axes.set_xlabel("latent size")
        _legend(figure, [row[0] for row in rows])
        return finish(figure, _alt_of_units(summaries, runs.data))


def _metrics(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Metrics that some run has, in the order of their names here."""
    measured = {metric for table in tables.values() for metric in table["metric"]}
    return [metric for metric in METRICS if metric in measured]


def _along_training(axes: Axes, table: pd.DataFrame, colours: Mapping[int, str]) -> None:
    """Draw one metric of one run, at the first beta, in the colours of its latent sizes."""
    table = table[table["beta"] == table["beta"].iloc[0]]
    steps = sorted(table["step"].unique())
    latents = sorted(table["latent"].unique())
    for place, latent in enumerate(latents):
        colour = colours[latent]
        part = table[table["latent"] == latent].groupby("step")["score"]
        estimates = [mean(part.get_group(step)) for step in steps]
        across = np.arange(len(steps)) + ASIDE * (place - (len(latents) - 1) / 2)
        axes.plot(
            across, [e.value for e in estimates], "o-", color=colour, label=f"latent {latent}"
        )
        axes.vlines(across, [e.low for e in estimates], [e.high for e in estimates], color=colour)
    _fit_points(axes, table["score"])
    axes.set_ylim(max(axes.get_ylim()[0], -LEAST_MARGIN), min(axes.get_ylim()[1], 1 + LEAST_MARGIN))
    named = [f"{step / 1000:g}k" if step >= 1000 else f"{step}" for step in steps]
    axes.set_xticks(range(len(steps)), named)


def _legend(figure: Figure, firsts: Iterable[Axes]) -> None:
    """Name everything that the first panels of the rows show, once, below all panels."""
    handles: dict[str, Artist] = {}
    for axes in firsts:
        lines, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, lines, strict=True))
    figure.legend(
        handles=list(handles.values()),
        labels=list(handles),
        loc="outside lower center",
        ncols=len(handles),
    )


def _scores(axes: Axes, table: pd.DataFrame) -> None:
    """Draw one metric of one run."""
    _trained_networks(axes, table[table["network"] == TRAINED], "score")
    for network, (marker, line) in NULL_STYLES.items():
        null = table[table["network"] == network]
        null = null.drop_duplicates(["latent", "seed", "score"])  # the same for several betas
        _seeds(axes, null, "score", (NULLS[network], GREY, marker), line)
    _fit_points(axes, table["score"])
    least, most = axes.get_ylim()
    axes.set_ylim(max(least, -LEAST_MARGIN), min(most, 1 + LEAST_MARGIN))
    axes.locator_params(axis="y", nbins=5)


def _trained_networks(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """Draw what trained networks reach over a logarithmic axis of latent sizes, a colour per beta.

    Seeds are points, their means a line, with the 95% interval of the mean where there are two or
    more; several betas stand a little beside each other.
    """
    betas = list(table.groupby("beta"))
    for place, (beta, part) in enumerate(betas):
        style = BETA_STYLES[place % len(BETA_STYLES)]
        aside = 2 ** (SHIFT * (place - (len(betas) - 1) / 2))
        moved = part.assign(latent=part["latent"] * aside)
        _seeds(axes, moved, column, (rf"trained, $\beta$ = {beta:g}", *style))
        for latent in moved["latent"].unique():
            interval = mean(moved[moved["latent"] == latent][column])
            if isfinite(interval.low):
                axes.vlines(latent, interval.low, interval.high, color=style[0], alpha=0.7)
    power_ticks(axes, sorted(table["latent"].unique()))


def _fit_points(axes: Axes, values: pd.Series) -> None:
    """Let the ordinate span the points, so that long intervals are cut and not the points small.

    What is never negative is not shown below zero.
    """
    least, most = values.min(), values.max()
    margin = max(MARGIN * (most - least), LEAST_MARGIN)
    bottom = least - margin
    axes.set_ylim(max(bottom, 0.0) if least >= 0 else bottom, most + margin)


def _seeds(
    axes: Axes, table: pd.DataFrame, column: str, style: tuple[str, str, str], line: str = "-"
) -> None:
    """Draw seeds as points and their means as a line; `style` is label, colour and marker."""
    label, colour, marker = style
    face = colour if line == "-" else "none"
    axes.plot(
        table["latent"], table[column], marker, color=colour, markerfacecolor=face, alpha=0.45
    )
    means = table.groupby("latent")[column].mean()
    axes.plot(means.index, means, line, color=colour, marker=marker, markersize=3, label=label)


def _units_axis(axes: Axes, table: pd.DataFrame) -> None:
    """Count on an axis that is logarithmic above 1 and reaches 0, with the line of all units."""
    latents = sorted(table["latent"].unique())
    axes.plot(latents, latents, ":", color=REFERENCE, linewidth=1.3, label="all units")
    axes.set_yscale("symlog", base=2, linthresh=1)
    least, most = int(table["active_units"].min()), latents[-1]
    axes.set_ylim(-0.25 if least < 2 else 0.75 * min(least, latents[0]), 1.4 * most)
    ticks = [tick for tick in UNIT_TICKS if axes.get_ylim()[0] <= tick <= most]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()


def _alt_of_scores(scores: Mapping[str, pd.DataFrame], data: Mapping[str, str]) -> str:
    parts = []
    for run, table in scores.items():
        first, last = table["latent"].min(), table["latent"].max()
        trained = table[table["network"] == TRAINED].groupby("beta")
        groups = [(f"trained at beta = {beta:g}", part) for beta, part in trained]
        for null, label in NULLS.items():
            groups.append((label, table[table["network"] == null]))
        seeds = table["seed"].nunique()
        parts.append(
            f"{data[run]}, run {run}, {seeds} seed{'s' * (seeds > 1)}, mean scores at the latent "
            f"sizes {first} and {last}: {'; '.join(_ends(*group) for group in groups)}"
        )
    return (
        "Disentanglement scores against the latent size on a logarithmic axis, a panel per metric: "
        "points are seeds, solid lines the means of trained networks with 95% intervals, grey "
        f"lines those of untrained networks (dashed) and random codes (dotted). {'. '.join(parts)}."
    )


def _alt_of_curves(curves: Mapping[str, pd.DataFrame], data: Mapping[str, str]) -> str:
    parts = []
    for run, table in curves.items():
        means = table.groupby(["metric", "step"])["score"].mean().unstack()
        said = (
            f"{METRICS[metric]} {', '.join(number(score) for score in means.loc[metric])}"
            for metric in means.index
        )
        steps = ", ".join(f"{step:,}" for step in means.columns)
        parts.append(f"{data[run]}, run {run}, means over all networks at steps {steps}: ")
        parts[-1] += "; ".join(said)
    return f"Disentanglement scores along training, one line per latent size. {'. '.join(parts)}."


def _ends(name: str, table: pd.DataFrame) -> str:
    """Say the mean scores at the least and the largest latent size."""
    means = table.groupby(["metric", "latent"])["score"].mean().unstack()
    ends = (
        f"{title} {number(means.iloc[:, 0][metric])} and {number(means.iloc[:, -1][metric])}"
        for metric, title in METRICS.items()
        if metric in means.index
    )
    return f"{name} {', '.join(ends)}"


def _alt_of_units(summaries: Mapping[str, pd.DataFrame], data: Mapping[str, str]) -> str:
    parts = []
    for run, table in summaries.items():
        for beta, part in table.groupby("beta"):
            first, last = part["latent"].min(), part["latent"].max()
            means = part.groupby("latent")[list(QUANTITIES)].mean()
            ends = ", ".join(
                f"{label} {number(means[column][first])} and {number(means[column][last])}"
                for column, label in QUANTITIES.items()
            )
            parts.append(
                f"{data[run]}, run {run}, beta = {beta:g}, means at the latent sizes {first} and "
                f"{last}: {ends}"
            )
    return (
        "Active units beside the number of all units (dotted), reconstruction error and KL "
        "divergence against the latent size on a logarithmic axis; points are seeds, lines their "
        f"means with 95% intervals. {'. '.join(parts)}."
    )
