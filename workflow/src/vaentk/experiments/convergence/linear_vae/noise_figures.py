"""Noise of the linear VAE's gradient estimators, and the gap to probabilistic PCA."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.convergence.linear_vae.look import ESTIMATORS, GREY, OPTIMISERS, Frames
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import REFERENCE, Drawing, finish, log_ticks, number, panels, styled

FACTORS = {"batch": ("data points $B$", "samples", "K"), "samples": ("samples $K$", "batch", "B")}
"""Axis label of a factor, the other factor and its letter."""

PLACES = {"start": "at the start", "optimum": "at the optimum"}


def linear_vae_noise(noise: Frames, slopes: Frames, curves: Frames, *, runs: Runs) -> Drawing:
    """Draw the noise at start and optimum, two rows per run, and the gap, one row per optimiser."""
    with styled():
        figure, rows = panels(2 * len(noise), 3)
        for place, (run, table) in enumerate(noise.items()):
            shown = rows[2 * place : 2 * place + 2]
            for row, where in zip(shown, PLACES, strict=True):
                for axes, factor in zip(row, FACTORS, strict=False):
                    fitted = slopes[run][slopes[run]["place"] == where]
                    _noise_panel(axes, table[table["place"] == where], fitted, factor)
                    axes.set_title(f"noise {PLACES[where]}")
            groups = list(curves[run].groupby("optimiser", sort=False))
            for row, (name, own) in zip(shown, groups, strict=False):
                _gap_panel(row[2], own, OPTIMISERS[str(name)])
            for row in shown[len(groups) :]:
                row[2].set_axis_off()
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt_of_noise(slopes, runs.data))


def _noise_panel(axes: Axes, table: pd.DataFrame, slopes: pd.DataFrame, factor: str) -> None:
    label, other, letter = FACTORS[factor]
    held = table.groupby("estimator")[other].min().max()
    part = table[table[other] == held]
    for name, own in part.groupby("estimator", sort=False):
        words, colour, marker = ESTIMATORS[str(name)]
        fit = slopes[(slopes["estimator"] == name) & (slopes["factor"] == factor)].iloc[0]
        words += f": {number(fit['slope'])}"
        axes.plot(own[factor], own["variance"], marker=marker, color=colour, label=words)
        axes.fill_between(own[factor], own["low"], own["high"], color=colour, alpha=0.2)
    first = part[part[factor] == part[factor].min()]["variance"].min()
    across = sorted(part[factor].unique())
    axes.plot(across, [first * across[0] / n for n in across], ":", color=REFERENCE)
    axes.set(xscale="log", yscale="log", xlabel=f"{label} at ${letter}$ = {held}")
    axes.set_xticks(across, [str(n) for n in across])
    axes.minorticks_off()
    low, high = first * across[0] / across[-1], part["high"].max()
    axes.set_ylim(low / 1.5, high * (high / low) ** 0.6)
    log_ticks(axes.yaxis, *axes.get_ylim())
    axes.set_ylabel(r"$E|g - Eg|^2$")
    axes.legend(loc="upper right", title="fitted power", title_fontsize=8, fontsize=7.5)


def _gap_panel(axes: Axes, table: pd.DataFrame, title: str) -> None:
    for role, line in (("rate", "-"), ("constant", "--")):
        for name, part in table[table["role"] == role].groupby("estimator", sort=False):
            words, colour, _ = ESTIMATORS[str(name)]
            label = words if role == "rate" else None
            axes.plot(part["step"], part["gap"], line, color=colour, label=label)
            if role == "rate":
                axes.fill_between(
                    part["step"], part["gap_low"], part["gap_high"], color=colour, alpha=0.2
                )
    axes.plot([], [], "--", color=GREY, label="constant steps")
    axes.set(xscale="log", yscale="log", xlabel="iteration $n$", ylabel="gap (nats)")
    shown = table[table["role"].isin(["rate", "constant"])]
    log_ticks(axes.xaxis, shown["step"].min(), shown["step"].max())
    log_ticks(axes.yaxis, shown["gap"].min(), shown["gap"].max())
    axes.set_title(f"gap to probabilistic PCA, {title}")
    axes.legend(loc="lower left", fontsize=7.5)


def _alt_of_noise(slopes: Frames, data: Mapping[str, str]) -> str:
    parts = []
    for run, table in slopes.items():
        for (place, name), part in table.groupby(["place", "estimator"], sort=False):
            powers = part.set_index("factor")["slope"]
            parts.append(
                f"{data[run]}, {ESTIMATORS[str(name)][0]} {PLACES[str(place)]}: "
                f"{number(powers['batch'])} of B and {number(powers['samples'])} of K"
            )
    return (
        "Variance of the estimated gradients against B and against K at the start and at the "
        "optimum, logarithmic, with the power -1 (dotted), and the gap to probabilistic PCA "
        f"against the iteration. Fitted powers: {'; '.join(parts)}."
    )
