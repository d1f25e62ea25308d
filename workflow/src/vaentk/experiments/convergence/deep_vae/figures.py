"""S2 to S4: gradients and bounds of deep VAEs along activations, beta and K."""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from textwrap import fill
from typing import Final

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from vaentk.experiments.declaration import Runs
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

COLOURS: Final = (
    *("#0072B2", "#56B4E9", "#009E73", "#E69F00"),
    *("#CC79A7", "#D55E00", "#7F7F7F", "#332288"),
)
"""Okabe and Ito's palette, and an indigo of Tol's."""

SHOWN_FROM: Final = 0.05
"""Bounds are shown from this part of the last update on; what lies above is cut."""

TITLES: Final = {
    "gradient": "squared gradient norm",
    "uniform": "its mean over updates 0 to $n$",
    "negative_elbo": "−ELBO (nats)",
    "relative_gradient": "squared gradient norm / first",
    "excess": "own loss above its least / first",
    "reconstruction": "reconstruction (nats)",
    "kl": "KL (nats)",
    "loss": "−bound, own $K$ (nats)",
    "negative_bound": "−bound, common $K$ (nats)",
}
"""Title of a panel by what it shows."""

LOGARITHMIC: Final = ("gradient", "uniform", "relative_gradient", "excess")
HELD_OUT: Final = ("negative_elbo", "negative_bound")
"""Shown for held-out images too, dashed."""

LABEL_WIDTH: Final = 20
NORMAL: Final = 1.96
MEETS: Final = 10
"""The update at which the claimed rate is drawn through the highest line."""


def deep_vae_activations(curves: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw gradient, its mean and -ELBO by updates, a row per run, a line per activation."""
    return _draw("activation", ("gradient", "uniform", "negative_elbo"), curves, runs, "{}")


def deep_vae_betas(curves: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw gradient and loss relative to their own start, and the loss's parts, a line per beta."""
    shown = ("relative_gradient", "excess", "reconstruction", "kl")
    return _draw("beta", shown, curves, runs, r"$\beta$ = {}")


def deep_vae_samples(curves: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw gradient, -ELBO and the importance-weighted bounds, one line per K."""
    shown = ("gradient", "negative_elbo", "loss", "negative_bound")
    return _draw("samples", shown, curves, runs, "$K$ = {}")


def _draw(
    sweep: str, shown: Sequence[str], curves: Mapping[str, pd.DataFrame], runs: Runs, form: str
) -> Drawing:
    named = {run: settings.sweeps()[sweep] for run, settings in runs.settings.items()}
    with styled():
        figure, rows = panels(len(curves), len(shown))
        legend: dict[str, Artist] = {}
        colours = _colours(sweep, list(named.values()))
        for row, (run, table) in zip(rows, curves.items(), strict=True):
            later = table[table["step"] > 0]
            lines = [
                (form.format(value), colours[value], later[later["variant"] == variant])
                for value, variant in named[run].items()
            ]
            for axes, quantity in zip(row, shown, strict=True):
                _panel(axes, lines, quantity)
                axes.set_title(TITLES[quantity])
                handles, texts = axes.get_legend_handles_labels()
                legend |= dict(zip(texts, handles, strict=True))
            row[0].set_ylabel(fill(runs.data[run], LABEL_WIDTH))
        for axes in rows[-1]:
            axes.set_xlabel("update $n$")
        own = [form.format(value) for value in colours]
        ordered = sorted(legend, key=lambda label: label not in own)
        figure.legend(
            handles=[legend[label] for label in ordered],
            labels=ordered,
            loc="outside lower center",
            ncols=min(len(legend), 2 * len(shown)),
        )
        return finish(figure, _alt(sweep, shown, curves, named, runs.data))


def _colours(sweep: str, named: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Give every value that any run has a colour of its own, beta and K by size."""
    values = list(dict.fromkeys(value for own in named for value in own))
    if sweep == "activation":
        return {value: COLOURS[place % len(COLOURS)] for place, value in enumerate(values)}
    shades = colormaps["viridis"](np.linspace(0.85, 0.1, len(values)))
    ordered = sorted(values, key=float)
    return {value: to_hex(shade) for value, shade in zip(ordered, shades, strict=True)}


def _panel(axes: Axes, lines: Sequence[tuple[str, str, pd.DataFrame]], quantity: str) -> None:
    """Draw seeds faintly and their mean, and the measurement's own 95% interval as a band."""
    for label, colour, measured in lines:
        part = measured
        if quantity in LOGARITHMIC:
            part = measured.assign(**{quantity: measured[quantity].where(measured[quantity] > 0)})
        for _, own in part.groupby("seed"):
            axes.plot(own["step"], own[quantity], color=colour, alpha=0.3, linewidth=0.7)
        means = part.groupby("step").mean(numeric_only=True)
        axes.plot(means.index, means[quantity], color=colour, label=label)
        if quantity in ("gradient", "uniform"):
            errors = part.groupby("step")[f"{quantity}_error"]
            squares = errors.agg(lambda e: sqrt((e**2).sum()))
            half = NORMAL * squares / part["seed"].nunique()
            low, high = means[quantity] - half, means[quantity] + half
            axes.fill_between(means.index, low, high, color=colour, alpha=0.15, linewidth=0)
        if quantity in HELD_OUT:
            held_out = means[f"held_out_{quantity}"]
            axes.plot(means.index, held_out, "--", color=colour, linewidth=1.0)
    together = pd.concat([part for _, _, part in lines])
    axes.set_xscale("log")
    if quantity in LOGARITHMIC:
        axes.set_yscale("log")
        positive = together[quantity][together[quantity] > 0]
        axes.set_ylim(positive.min() / 1.6, positive.max() * 1.6)
    else:
        _cut(axes, together, quantity)
    if quantity in HELD_OUT:
        axes.plot([], [], "--", color=REFERENCE, linewidth=1.0, label="held-out images")
    if quantity in ("gradient", "uniform"):
        _claimed(axes, together, quantity)


def _cut(axes: Axes, together: pd.DataFrame, quantity: str) -> None:
    """Let the ordinate span what is reached late, so that the start does not hide it."""
    late = together[together["step"] >= SHOWN_FROM * together["step"].max()]
    columns = [quantity, f"held_out_{quantity}"] if quantity in HELD_OUT else [quantity]
    low, high = late[columns].min().min(), late[columns].max().max()
    margin = 0.05 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.locator_params(axis="y", nbins=6)


def _claimed(axes: Axes, together: pd.DataFrame, quantity: str) -> None:
    """Draw log n / sqrt(n) through the highest line at an early update."""
    measured = np.sort(together["step"].unique())
    place = measured[np.abs(np.log(measured / MEETS)).argmin()]
    at = together[together["step"] == place].groupby("variant")[quantity].mean().max()
    steps = np.geomspace(2, measured[-1], 50)
    curve = np.log(steps) / np.sqrt(steps) * at * np.sqrt(place) / max(np.log(place), 1.0)
    axes.plot(steps, curve, ":", color=REFERENCE, linewidth=1.1, label=r"$\log n / \sqrt{n}$")


def _alt(
    sweep: str,
    shown: Sequence[str],
    curves: Mapping[str, pd.DataFrame],
    named: Mapping[str, Mapping[str, str]],
    data: Mapping[str, str],
) -> str:
    parts = []
    for run, table in curves.items():
        seeds = table["seed"].nunique()
        last = table[table["step"] == table["step"].max()]
        said = []
        for value, variant in named[run].items():
            means = last[last["variant"] == variant].mean(numeric_only=True)
            ends = ", ".join(f"{_plain(quantity)} {number(means[quantity])}" for quantity in shown)
            said.append(f"{sweep} {value}: {ends}")
        parts.append(
            f"{data[run]}, run {run}, {seeds} seed{'s' * (seeds > 1)}, after "
            f"{ceil(last['step'].max())} updates: {'; '.join(said)}"
        )
    titles = ", ".join(_plain(quantity) for quantity in shown)
    return (
        f"A row per run, a panel each for {titles}, against the number of updates on a logarithmic "
        "axis; thin lines are seeds, thick ones their means, dashed ones held-out images. "
        f"{'. '.join(parts)}."
    )


def _plain(quantity: str) -> str:
    """Title of a panel without mathematical signs."""
    return TITLES[quantity].replace("$", "").replace("−", "-")
