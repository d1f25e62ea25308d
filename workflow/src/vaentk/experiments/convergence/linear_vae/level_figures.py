"""Figures of trainings at several beta or K, and of the objective's curvature by beta."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.convergence.linear_vae.look import OPTIMISERS, Frames, band, by_optimiser
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import Drawing, finish, log_ticks, number, panels, styled, width_colours

COLOURS = "#0072B2", "#D55E00", "#009E73"
MARKERS = "o", "s", "^"

TIMES = {
    "time_gap": "gap",
    "time_gradient": "gradient at the iterate",
    "time_mean_gradient": r"gradient at $\theta_R$",
}
CODES = {"time_likelihood_gap": "iterations $n$", "codes_likelihood_gap": "codes a point, $n K$"}
RAW = "raw_mean_gradient"


class Level(NamedTuple):
    """How a setting is written in which trainings differ."""

    column: str
    symbol: str
    axis: str


BETA = Level("beta", r"$\beta$", r"$\beta$ (latent units that its optimum uses)")
SAMPLES = Level("samples", "$K$", "codes $K$")


def linear_vae_betas(curves: Frames, betas: Frames, *, runs: Runs) -> Drawing:
    """Draw gap, gradient and times to the threshold by beta, one row per optimiser."""
    shown = {"gap": "gap to its own optimum", "gradient": r"$|\nabla\mathcal{L}|^2$ at iterate $n$"}
    return _draw(BETA, shown, (TIMES, "iterations to the threshold"), curves, betas, runs)


def linear_vae_codes(curves: Frames, codes: Frames, *, runs: Runs) -> Drawing:
    """Draw the gaps of likelihood and ELBO, and the time to the threshold, by IWAE's K."""
    shown = {"likelihood_gap": r"gap of $\log p(x)$", "gap": "gap of the ELBO"}
    return _draw(SAMPLES, shown, (CODES, r"until $\log p(x)$ is close"), curves, codes, runs)


def linear_vae_smoothness(smoothness: Frames, betas: Frames, *, runs: Runs) -> Drawing:
    """Draw the Hessian's largest eigenvalue and the squared gradient, by beta: a row per run."""
    with styled():
        figure, rows = panels(len(smoothness), 2)
        for (run, table), (left, right) in zip(smoothness.items(), rows, strict=True):
            ends = {"curvature": "value", "curvature_low": "low", "curvature_high": "high"}
            by_radius = {
                f"parameters of norm {radius:g}": part
                for radius, part in table.rename(columns=ends).groupby("radius")
            }
            raw = betas[run][betas[run]["quantity"] == RAW]
            by_name = {
                OPTIMISERS[str(name)]: part for name, part in raw.groupby("optimiser", sort=False)
            }
            for axes, groups, title in (
                (left, by_radius, "Hessian's largest |eigenvalue|"),
                (right, by_name, r"$E|\nabla\mathcal{L}(\theta_R)|^2$ at the last $n$"),
            ):
                for (words, part), colour, marker in zip(
                    groups.items(), COLOURS, MARKERS, strict=False
                ):
                    _line(axes, part, BETA, words, colour, marker)
                _finish_levels(axes, table, BETA)
                axes.set_title(title)
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt_of_smoothness(smoothness, betas, runs.data))


def _draw(
    level: Level,
    shown: Mapping[str, str],
    summary: tuple[Mapping[str, str], str],
    curves: Frames,
    values: Frames,
    runs: Runs,
) -> Drawing:
    """Draw curves relative to their start and a summary of them, one row per optimiser."""
    quantities, title = summary
    with styled():
        by_row = by_optimiser(curves)
        figure, rows = panels(len(by_row), 3)
        for (run, optimiser, table), row in zip(by_row, rows, strict=True):
            for axes, (quantity, words) in zip(row, shown.items(), strict=False):
                _relative_panel(axes, table, level, quantity)
                axes.set_title(f"{OPTIMISERS[optimiser]}: {words}")
            own = values[run][values[run]["optimiser"] == optimiser]
            _values_panel(row[2], own, level, quantities)
            row[2].set_title(f"{OPTIMISERS[optimiser]}: {title}")
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt_of_levels(level, quantities, values, runs.data))


def _relative_panel(axes: Axes, table: pd.DataFrame, level: Level, quantity: str) -> None:
    shown = table[table["step"] > 0]
    groups = list(shown.groupby(level.column))
    colours = width_colours(list(range(len(groups)))).values()
    for (value, part), colour in zip(groups, colours, strict=True):
        axes.plot(part["step"], part[quantity], color=colour, label=f"{level.symbol} = {value:g}")
        band(axes, part, quantity, colour)
    least, most = shown[quantity].min(), shown[quantity].max()
    axes.set(xscale="log", yscale="log", xlabel="iteration $n$", ylabel="part of its start")
    axes.set_ylim(least / 1.5, most * 1.5)
    log_ticks(axes.xaxis, shown["step"].min(), shown["step"].max())
    log_ticks(axes.yaxis, least, most)
    axes.legend(loc="lower left")


def _values_panel(
    axes: Axes, table: pd.DataFrame, level: Level, quantities: Mapping[str, str]
) -> None:
    """Draw values by level with intervals; those outside the fitted regime are hollow."""
    for (quantity, words), colour, marker in zip(
        quantities.items(), COLOURS, MARKERS, strict=False
    ):
        part = table[(table["quantity"] == quantity) & table["value"].notna()]
        if not part.empty:
            _line(axes, part, level, words, colour, marker)
    _finish_levels(axes, table, level)


def _line(
    axes: Axes, part: pd.DataFrame, level: Level, words: str, colour: str, marker: str
) -> None:
    across = part[level.column]
    axes.plot(across, part["value"], color=colour, linewidth=0.8)
    whole = part["regime"] == "all" if "regime" in part else np.ones(len(part), dtype=bool)
    for chosen, face in ((whole, colour), (~whole, "white")):
        axes.plot(
            across[chosen],
            part["value"][chosen],
            marker,
            color=colour,
            markerfacecolor=face,
            label=words if face == colour else None,
        )
    limited = part.dropna(subset=["low", "high"])
    axes.vlines(limited[level.column], limited["low"], limited["high"], color=colour, alpha=0.7)


def _finish_levels(axes: Axes, table: pd.DataFrame, level: Level) -> None:
    axes.set(xscale="log", yscale="log", xlabel=level.axis)
    values = sorted(table[level.column].unique())
    names = [f"{value:g}" for value in values]
    if "units" in table:
        units = table.groupby(level.column)["units"].first()
        names = [f"{value:g} ({units[value]})" for value in values]
    axes.set_xticks(values, names)
    axes.minorticks_off()
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.5)
    log_ticks(axes.yaxis, *axes.get_ylim())
    axes.legend(loc="upper left")


def _listed(part: pd.DataFrame, level: Level) -> str:
    """Write the values by level."""
    return ", ".join(
        f"{number(value) if value > 0 else 'not reached'} at {level.column} = {at:g}"
        for at, value in zip(part[level.column], part["value"], strict=True)
    )


def _alt_of_levels(
    level: Level, quantities: Mapping[str, str], values: Frames, data: Mapping[str, str]
) -> str:
    parts = []
    for run, table in values.items():
        table = table[table["quantity"].isin(quantities)]
        for (optimiser, quantity), part in table.groupby(["optimiser", "quantity"], sort=False):
            words = quantities[str(quantity)].replace(r"$\theta_R$", "theta_R").replace("$", "")
            parts.append(
                f"{data[run]}, {OPTIMISERS[str(optimiser)]}, {words}: {_listed(part, level)}"
            )
    return (
        f"Trainings by {level.column}: quantities over their value at the start against the "
        "iteration, both logarithmic, means over runs with 95% intervals; and when the mean falls "
        f"to the threshold: {'; '.join(parts)}."
    )


def _alt_of_smoothness(smoothness: Frames, betas: Frames, data: Mapping[str, str]) -> str:
    parts = []
    for run, table in smoothness.items():
        for radius, part in table.groupby("radius"):
            shown = part.assign(value=part["curvature"])
            parts.append(f"{data[run]}, eigenvalue at norm {radius:g}: {_listed(shown, BETA)}")
        raw = betas[run][betas[run]["quantity"] == RAW]
        for optimiser, part in raw.groupby("optimiser", sort=False):
            parts.append(f"squared gradient, {OPTIMISERS[str(optimiser)]}: {_listed(part, BETA)}")
    return (
        "Largest absolute eigenvalue of the Hessian at random parameters, and the squared gradient "
        "norm at a uniformly drawn iterate, not scaled, against beta, both logarithmic, with 95% "
        f"intervals: {'; '.join(parts)}."
    )
