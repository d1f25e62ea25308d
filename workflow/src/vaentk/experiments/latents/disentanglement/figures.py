"""Figure 3 in the paper's form: disentanglement scores against the latent size, with the nulls."""

from collections.abc import Mapping
from math import isfinite
from textwrap import fill

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from vaentk.experiments.latents.disentanglement.measure import METRICS, NULLS, TRAINED
from vaentk.figures.style import Drawing, finish, number, panels, power_ticks, styled
from vaentk.statistics.intervals import mean

BETA_LOOKS = (
    *(("#0072B2", "o"), ("#D55E00", "^"), ("#009E73", "D")),
    *(("#CC79A7", "v"), ("#E69F00", "P"), ("#56B4E9", "*")),
)
"""Colour (Okabe and Ito's palette) and marker of each beta."""

NULL_LOOKS = {"untrained": ("s", "--"), "random": ("x", ":")}
"""Marker and line of what scores without training."""

GREY = "#7F7F7F"
SHIFT = 0.14
"""Octaves between neighbouring betas at one latent size."""

MARGIN = 0.15
"""What is shown beyond the outermost points, as a part of their range; longer intervals are cut."""

LEAST_MARGIN = 0.02
LABEL_WIDTH = 26
"""Characters in a line of a row's label."""


def draw(scores: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> Drawing:
    """Draw a row of panels a run, a panel a metric.

    Points are seeds, lines their means; bars are 95% intervals of the mean of trained networks,
    where there are two seeds or more, cut at the edge of the panel.

    Parameters
    ----------
    scores
        Score by run: a row a latent, seed, beta, network (trained, untrained, random) and metric.
    labels
        What the images of each run are, with the words drawn or stand-in where they are that.
    """
    with styled():
        figure, rows = panels(len(scores), len(METRICS))
        for row, (run, table) in zip(rows, scores.items(), strict=True):
            for axes, metric in zip(row, METRICS, strict=True):
                _panel(axes, table[table["metric"] == metric])
            row[0].set_ylabel(f"{fill(labels[run], LABEL_WIDTH)}\nscore")
        for axes, title in zip(rows[0], METRICS.values(), strict=True):
            axes.set_title(title)
        for axes in rows[-1]:
            axes.set_xlabel("latent size")
        known: dict[str, Artist] = {}
        for row in rows:
            lines, texts = row[0].get_legend_handles_labels()
            known |= dict(zip(texts, lines, strict=True))
        figure.legend(
            handles=list(known.values()),
            labels=list(known),
            loc="outside lower center",
            ncols=len(known),
        )
        return finish(figure, _alt(scores, labels))


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    trained_networks(axes, table[table["network"] == TRAINED], "score")
    for network, (marker, line) in NULL_LOOKS.items():
        null = table[table["network"] == network]
        null = null.drop_duplicates(["latent", "seed", "score"])  # the same for several betas
        _seeds(axes, null, "score", (NULLS[network], GREY, marker), line)
    fit_points(axes, table["score"])
    least, most = axes.get_ylim()
    axes.set_ylim(max(least, -LEAST_MARGIN), min(most, 1 + LEAST_MARGIN))
    axes.locator_params(axis="y", nbins=5)


def trained_networks(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """Draw what trained networks reach over a logarithmic axis of latent sizes, a colour a beta.

    Seeds are points, their means a line, with the 95% interval of the mean where there are two or
    more; several betas stand a little beside each other.
    """
    betas = list(table.groupby("beta"))
    for place, (beta, part) in enumerate(betas):
        look = BETA_LOOKS[place % len(BETA_LOOKS)]
        aside = 2 ** (SHIFT * (place - (len(betas) - 1) / 2))
        moved = part.assign(latent=part["latent"] * aside)
        _seeds(axes, moved, column, (rf"trained, $\beta$ = {beta:g}", *look))
        for latent in moved["latent"].unique():
            interval = mean(moved[moved["latent"] == latent][column])
            if isfinite(interval.low):
                axes.vlines(latent, interval.low, interval.high, color=look[0], alpha=0.7)
    power_ticks(axes, sorted(table["latent"].unique()))


def fit_points(axes: Axes, values: pd.Series) -> None:
    """Let the ordinate span the points, so that long intervals are cut and not the points small."""
    least, most = values.min(), values.max()
    margin = max(MARGIN * (most - least), LEAST_MARGIN)
    axes.set_ylim(least - margin, most + margin)


def _seeds(
    axes: Axes, table: pd.DataFrame, column: str, look: tuple[str, str, str], line: str = "-"
) -> None:
    """Draw seeds as points and their means as a line; `look` is label, colour and marker."""
    label, colour, marker = look
    face = colour if line == "-" else "none"
    axes.plot(
        table["latent"], table[column], marker, color=colour, markerfacecolor=face, alpha=0.45
    )
    means = table.groupby("latent")[column].mean()
    axes.plot(means.index, means, line, color=colour, marker=marker, markersize=3, label=label)


def _alt(scores: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> str:
    parts = []
    for run, table in scores.items():
        first, last = table["latent"].min(), table["latent"].max()
        trained = table[table["network"] == TRAINED].groupby("beta")
        groups = [(f"trained at beta = {beta:g}", part) for beta, part in trained]
        for null, label in NULLS.items():
            groups.append((label, table[table["network"] == null]))
        seeds = table["seed"].nunique()
        parts.append(
            f"{labels[run]}, run {run}, {seeds} seed{'s' * (seeds > 1)}, mean scores at the latent "
            f"sizes {first} and {last}: {'; '.join(_said(*group) for group in groups)}"
        )
    return (
        "Disentanglement scores against the latent size on a logarithmic axis, a panel a metric: "
        "points are seeds, solid lines the means of trained networks with 95% intervals, grey "
        f"lines those of untrained networks (dashed) and random codes (dotted). {'. '.join(parts)}."
    )


def _said(name: str, table: pd.DataFrame) -> str:
    """Say the mean scores at the least and the largest latent size."""
    means = table.groupby(["metric", "latent"])["score"].mean().unstack()
    ends = (
        f"{title} {number(means.iloc[:, 0][metric])} and {number(means.iloc[:, -1][metric])}"
        for metric, title in METRICS.items()
    )
    return f"{name} {', '.join(ends)}"
