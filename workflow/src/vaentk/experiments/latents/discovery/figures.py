"""Figure 4 as a measurement: how well the best single unit tells each attribute of the faces."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaentk.experiments.declaration import Runs
from vaentk.experiments.latents.discovery.figure_pictures import (
    discovery_found,
    discovery_gallery,
    discovery_units,
    extent,
)
from vaentk.figures.style import REFERENCE, Drawing, finish, number, styled

__all__ = ["discovery", "discovery_found", "discovery_gallery", "discovery_units"]

STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "v"), ("#E69F00", "P"))
"""Colour (Okabe and Ito's palette) and marker of each latent size."""

GREY, BAND = "#7F7F7F", "#f5f5f5"
WIDTH, COLUMN = 7.2, 2.3  # inches across, at least and for a column of the legend
ENDS = 1.6  # inches down for what is not a row
LANE, LEAST_ROW = 0.031, 0.22  # inches of a row, for each of its points and at least
FILLED = 0.8  # part of a row's height that its points take
MARGIN = 0.012  # of the abscissa beyond the outermost points


def discovery(
    attributes: Mapping[str, pd.DataFrame], counts: Mapping[str, pd.DataFrame], *, runs: Runs
) -> Drawing:
    """Draw a row an attribute, the best of the widest network on top, over an axis of AUC.

    Every latent size and seed has a point with its interval, filled where the attribute is
    discovered; a grey tick is the row's largest null, a hollow diamond the mean linear probe.
    """
    run, table = next(iter(attributes.items()))
    size = counts[run].iloc[0]
    title = extent(runs.data[run], size["images"], size["official"])
    threshold = runs.settings[run].threshold
    names = _sorted(table)
    places = _places(table)
    height = max(LEAST_ROW, LANE * len(places)) * len(names) + ENDS
    columns = table["latent"].nunique() + 1
    width = max(WIDTH, COLUMN * columns)
    with styled():
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
        for place, (latent, part) in enumerate(table.groupby("latent")):
            style = STYLES[place % len(STYLES)]
            _points(axes, part, names, places, (f"latent {latent}", *style))
        nulls, label = table.groupby("attribute")["null"].max()[names], "permuted labels, 95%"
        axes.plot(nulls, range(len(nulls)), "|", color=GREY, markersize=9, label=label)
        label = f"threshold {threshold:g}"
        axes.axvline(threshold, color=REFERENCE, linestyle="-.", linewidth=0.9, label=label)
        _frame(axes, names, table, threshold)
        axes.set_title(title)
        figure.legend(loc="outside lower center", ncols=columns)
        return finish(figure, _alt(table, names, title, threshold))


def _sorted(table: pd.DataFrame) -> list[str]:
    """Name the attributes by falling mean AUC of the widest network."""
    widest = table[table["latent"] == table["latent"].max()]
    means = widest.groupby("attribute")["auc"].mean()
    return list(means.sort_values(ascending=False, kind="stable").index)


def _places(table: pd.DataFrame) -> dict[tuple[int, int], float]:
    """Give every latent size and seed its place in a row, whose middle is 0 and height 1."""
    places: dict[tuple[int, int], float] = {}
    down = 0.0
    for latent in sorted(table["latent"].unique()):
        for seed in sorted(table["seed"][table["latent"] == latent].unique()):
            places[latent, seed] = down
            down += 1
        down += 0.5
    middle = (down - 1.5) / 2
    return {key: FILLED * (place - middle) / (down - 0.5) for key, place in places.items()}


def _points(
    axes: Axes,
    table: pd.DataFrame,
    names: Sequence[str],
    places: Mapping[tuple[int, int], float],
    style: tuple[str, str, str],
) -> None:
    """Draw one latent size; `style` is its name, colour and marker."""
    name, colour, marker = style
    rows = {attribute: row for row, attribute in enumerate(names)}
    aside = [places[key] for key in zip(table["latent"], table["seed"], strict=True)]
    down = table["attribute"].map(rows) + aside
    axes.hlines(down, table["low"], table["high"], color=colour, linewidth=0.7, alpha=0.6)
    discovered = table["discovered"].astype(bool)
    for chosen, face, meaning in (
        (discovered, colour, f"discovered ({_counts(table)})"),
        (~discovered, "white", "not discovered"),
    ):
        axes.plot(
            table["auc"][chosen],
            down[chosen],
            marker,
            color=colour,
            markerfacecolor=face,
            markersize=3.4,
            markeredgewidth=0.7,
            label=f"{name}: {meaning}",
        )
    probes = table.groupby("attribute")["probe"].mean()
    middle = sum(set(aside)) / len(set(aside))
    axes.plot(
        probes,
        probes.index.map(rows) + middle,
        "D",
        color=colour,
        markerfacecolor="none",
        markersize=5.5,
        markeredgewidth=0.9,
        label=f"{name}: linear probe",
    )


def _counts(table: pd.DataFrame) -> str:
    """Say how many attributes the seeds of one latent size discover."""
    counts = table.groupby("seed")["discovered"].sum()
    least, most = int(counts.min()), int(counts.max())
    span = f"{least}" if least == most else f"{least} to {most}"
    return f"{span} of {table['attribute'].nunique()}"


def _frame(axes: Axes, names: Sequence[str], table: pd.DataFrame, threshold: float) -> None:
    """Name the rows, shade every second and let the axis span all that is drawn."""
    for row in range(1, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color=BAND, linewidth=0, zorder=0)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    shown = table[["low", "auc", "high", "null", "probe"]]
    least, most = min(shown.min().min(), threshold), max(shown.max().max(), threshold)
    axes.set_xlim(least - MARGIN, most + MARGIN)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="x", top=True, labeltop=True)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("AUC on test images, with 95% intervals")


def _alt(table: pd.DataFrame, names: Sequence[str], title: str, threshold: float) -> str:
    counts = ", ".join(
        f"{_counts(part)} at latent {latent}" for latent, part in table.groupby("latent")
    )
    return (
        f"{title}: test AUC of the best single unit for each of {len(names)} attributes, a point "
        "a latent size and seed with its 95% bootstrap interval, filled where the interval lies "
        f"above the threshold of {threshold:g} and above the 95% quantile for permuted labels "
        "(grey tick), beside a linear probe on the whole code (hollow diamond). Discovered by "
        f"each seed: {counts}. {_gained(table, names)}"
    )


def _gained(table: pd.DataFrame, names: Sequence[str]) -> str:
    """Say which attributes every seed of the widest network discovers and none of the narrowest."""
    wide, narrow = table["latent"].max(), table["latent"].min()
    groups = table.groupby(["latent", "attribute"])
    discovered, means = groups["discovered"], groups["auc"].mean()
    every, some = discovered.all(), discovered.any()
    gained = [name for name in names if every[wide, name] and not some[narrow, name]]
    described = (
        f"{name.replace('_', ' ')} {number(means[wide, name])} and {number(means[narrow, name])}"
        for name in gained
    )
    return (
        f"Discovered by every seed of latent {wide} and by none of latent {narrow}, mean AUC of "
        f"both: {', '.join(described) if gained else 'none'}."
    )
