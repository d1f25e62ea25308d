"""S1 and S3: betas of the linear VAE compared, each against its own start and its own optimum."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.convergence.linear_vae.figure_rates import OPTIMISERS
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import Drawing, finish, log_ticks, number, panels, styled, width_colours

PANELS = {"gap": "gap to its own optimum", "gradient": r"$|\nabla\mathcal{L}|^2$ at iterate $n$"}
TIMES = {
    "time_gap": ("gap", "#0072B2", "o"),
    "time_gradient": ("gradient at the iterate", "#D55E00", "s"),
    "time_mean_gradient": (r"gradient at $\theta_R$", "#009E73", "^"),
}
"""Label, colour and marker of a time to the threshold."""


def linear_vae_betas(
    curves: Mapping[str, pd.DataFrame],
    betas: Mapping[str, pd.DataFrame],
    *,
    runs: Runs,
) -> Drawing:
    """Draw a row an optimiser of every run: gap, gradient, and times to the threshold.

    Parameters
    ----------
    curves
        Means over runs relative to the start, with intervals, by run.
    betas
        Times and what is left by beta, with intervals, by run.
    runs
        What their data is.
    """
    with styled():
        pairs = [(run, name) for run in curves for name in curves[run]["optimiser"].unique()]
        figure, rows = panels(len(pairs), 3)
        for (run, optimiser), row in zip(pairs, rows, strict=True):
            table = curves[run][curves[run]["optimiser"] == optimiser]
            for axes, (quantity, title) in zip(row, PANELS.items(), strict=False):
                _curve_panel(axes, table, quantity)
                axes.set_title(f"{OPTIMISERS[optimiser]}: {title}")
            _time_panel(row[2], betas[run][betas[run]["optimiser"] == optimiser])
            row[2].set_title(f"{OPTIMISERS[optimiser]}: iterations to the threshold")
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt(betas, runs.data))


def _curve_panel(axes: Axes, table: pd.DataFrame, quantity: str) -> None:
    names = sorted(table["beta"].unique())
    colours = dict(zip(names, width_colours(list(range(len(names)))).values(), strict=True))
    shown = table[table["step"] > 0]
    for beta, part in shown.groupby("beta"):
        colour = colours[float(str(beta))]
        axes.plot(part["step"], part[quantity], color=colour, label=rf"$\beta$ = {beta:g}")
        low = part[f"{quantity}_low"].clip(lower=1e-300)
        high = part[f"{quantity}_high"]
        axes.fill_between(part["step"], low, high, color=colour, alpha=0.2, linewidth=0)
    least, most = shown[quantity].min(), shown[quantity].max()
    axes.set(xscale="log", yscale="log", xlabel="iteration $n$", ylabel="part of its start")
    axes.set_ylim(least / 1.5, most * 1.5)
    log_ticks(axes.xaxis, shown["step"].min(), shown["step"].max())
    log_ticks(axes.yaxis, least, most)
    axes.legend(loc="lower left")


def _time_panel(axes: Axes, table: pd.DataFrame) -> None:
    for quantity, (words, colour, marker) in TIMES.items():
        part = table[(table["quantity"] == quantity) & table["value"].notna()]
        if part.empty:
            continue
        axes.plot(part["beta"], part["value"], marker=marker, color=colour, label=words)
        limited = part.dropna(subset=["low", "high"])
        axes.vlines(limited["beta"], limited["low"], limited["high"], color=colour, alpha=0.7)
    units = table.groupby("beta")["units"].first()
    axes.set(xscale="log", yscale="log", xlabel=r"$\beta$ (latent units that its optimum uses)")
    axes.set_xticks(list(units.index), [f"{beta:g} ({count})" for beta, count in units.items()])
    axes.minorticks_off()
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.5)
    log_ticks(axes.yaxis, *axes.get_ylim())
    axes.legend(loc="upper left")


def _alt(betas: Mapping[str, pd.DataFrame], data: Mapping[str, str]) -> str:
    parts = []
    for run, table in betas.items():
        for (optimiser, quantity), part in table.groupby(["optimiser", "quantity"], sort=False):
            if quantity in TIMES:
                times = ", ".join(
                    f"{number(value) if value > 0 else 'not reached'} at beta = {beta:g}"
                    for beta, value in zip(part["beta"], part["value"], strict=True)
                )
                words = TIMES[str(quantity)][0].replace(r"$\theta_R$", "theta_R")
                parts.append(f"{data[run]}, {OPTIMISERS[str(optimiser)]}, {words}: {times}")
    return (
        "Gap to each beta's own optimum and squared gradient, each over its value at the start, "
        "against the iteration, both logarithmic, means over runs with 95% intervals; and the "
        f"iterations until the mean falls to the threshold: {'; '.join(parts)}."
    )
