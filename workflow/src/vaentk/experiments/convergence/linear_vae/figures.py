"""The linear VAE's figures: rates of the gradient's norm here, the others beside."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.convergence.linear_vae.level_figures import (
    linear_vae_betas,
    linear_vae_codes,
    linear_vae_smoothness,
)
from vaentk.experiments.convergence.linear_vae.look import (
    ESTIMATORS,
    GREY,
    OPTIMISERS,
    Frames,
    band,
    by_optimiser,
)
from vaentk.experiments.convergence.linear_vae.noise_figures import linear_vae_noise
from vaentk.experiments.declaration import Runs
from vaentk.figures.style import REFERENCE, Drawing, finish, log_ticks, number, panels, styled

__all__ = [
    "linear_vae",
    "linear_vae_betas",
    "linear_vae_codes",
    "linear_vae_limit",
    "linear_vae_noise",
    "linear_vae_smoothness",
]

THEOREM, CONSTANT = "#0072B2", "#D55E00"

STARTS = {
    "rate": ("from a drawn start", "#0072B2", "o"),
    "noise-limited": ("from the optimum", "#D55E00", "s"),
}
"""Label, colour and marker of a training by its role."""

FIT_SPACE = 0.16
"""Part of a panel below the data that is kept free for the fitted powers."""


def linear_vae(curves: Frames, slopes: Frames, *, runs: Runs) -> Drawing:
    """Draw the squared gradient norm and the claimed rate, one panel per estimator."""
    with styled():
        by_row = by_optimiser(curves)
        names = list(dict.fromkeys(n for table in curves.values() for n in _estimators(table)))
        figure, rows = panels(len(by_row), len(names))
        for (run, optimiser, table), row in zip(by_row, rows, strict=True):
            fitted = slopes[run][slopes[run]["optimiser"] == optimiser]
            for axes, name in zip(row, names, strict=True):
                if name not in _estimators(table):
                    axes.set_axis_off()
                    continue
                own = fitted[fitted["estimator"] == name]
                _rate_panel(axes, table[table["estimator"] == name], own)
                axes.set_title(f"{OPTIMISERS[optimiser]}, {ESTIMATORS[name][0]}")
            row[0].set_ylabel(r"$|\nabla\mathcal{L}|^2$, mean over runs")
        for axes in rows[-1]:
            axes.set_xlabel("iteration $n$")
        handles, texts = rows[0][0].get_legend_handles_labels()
        data = next(iter(runs.data.values())) if len(runs.data) == 1 else "drawn Gaussian data"
        figure.legend(handles, texts, loc="outside lower center", ncols=2, title=data)
        return finish(figure, _alt_of_rates(slopes, runs.data))


def linear_vae_limit(curves: Frames, local_slopes: Frames, *, runs: Runs) -> Drawing:
    """Draw trainings from start and optimum with their local powers of n, one row per optimiser."""
    with styled():
        rows_of = by_optimiser(curves)
        figure, rows = panels(len(rows_of), 2)
        for (run, optimiser, table), (left, right) in zip(rows_of, rows, strict=True):
            _limit_panel(left, table[table["estimator"] == "pathwise"])
            left.set_title(f"{OPTIMISERS[optimiser]}: $|\\nabla\\mathcal{{L}}|^2$ at iterate $n$")
            _local_panel(right, local_slopes[run][local_slopes[run]["optimiser"] == optimiser])
            right.set_title(f"{OPTIMISERS[optimiser]}: power of $n$ by half decade")
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt_of_limit(local_slopes, runs.data))


def _estimators(table: pd.DataFrame) -> list[str]:
    return list(table[table["role"] == "rate"]["estimator"].unique())


def _rate_panel(axes: Axes, table: pd.DataFrame, slopes: pd.DataFrame) -> None:
    rate = table[table["role"] == "rate"]
    constant = table[table["role"] == "constant"]
    axes.plot(
        rate["step"], rate["gradient"], color=GREY, linewidth=0.9, label="at iterate $n$ itself"
    )
    for part, colour, line, words in (
        (rate, THEOREM, "-", r"at $\theta_R$, $R$ uniform on 0 to $n$; steps $C n^{-1/2}$"),
        (constant, CONSTANT, "--", r"at $\theta_R$, constant steps $C$"),
    ):
        axes.plot(part["step"], part["mean_gradient"], line, color=colour, label=words)
        band(axes, part, "mean_gradient", colour)
    fits = slopes[slopes["role"] == "rate"]
    anchor = int(fits["step_min"].iloc[0])
    level = rate[rate["step"] == anchor].iloc[0]
    after = rate[rate["step"] >= anchor / 10]
    claimed = after["claimed"] * level["mean_gradient"] / level["claimed"]
    axes.plot(
        after["step"], claimed, ":", color=REFERENCE, label=r"$\log n / \sqrt{n}$, through a point"
    )
    axes.set(xscale="log", yscale="log")
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom * (bottom / top) ** (FIT_SPACE / (1 - FIT_SPACE)), top)
    log_ticks(axes.xaxis, rate["step"].min(), rate["step"].max())
    log_ticks(axes.yaxis, *axes.get_ylim())
    words = (
        f"$n$ from {anchor:,}: power {_interval(fits, 'mean_gradient')}\n"
        f"ratio to $\\log n/\\sqrt{{n}}$: {_interval(fits, 'ratio')}"
    )
    axes.text(0.03, 0.03, words, transform=axes.transAxes, ha="left", va="bottom", fontsize=7.5)


def _limit_panel(axes: Axes, table: pd.DataFrame) -> None:
    for role, (words, colour, _) in STARTS.items():
        part = table[table["role"] == role]
        axes.plot(part["step"], part["since"], color=colour, label=words)
        band(axes, part, "since", colour)
    last = part.iloc[-1]
    line = last["since"] * (part["step"] / last["step"]) ** -0.5
    axes.plot(part["step"], line, ":", color=REFERENCE, label=r"$n^{-1/2}$ through the end")
    axes.set(xscale="log", yscale="log", xlabel="iteration $n$", ylabel="mean over runs")
    log_ticks(axes.xaxis, table["step"].min(), table["step"].max())
    log_ticks(axes.yaxis, *axes.get_ylim())
    axes.legend(loc="lower left", fontsize=7.5)


def _local_panel(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the power of n in every half decade, at its geometric middle."""
    for role, (words, colour, marker) in STARTS.items():
        part = table[table["role"] == role]
        middle = (part["step_min"] * part["step_max"]) ** 0.5
        axes.plot(middle, part["slope"], marker, color=colour, label=words)
        axes.vlines(middle, part["low"], part["high"], color=colour, alpha=0.7)
    axes.axhline(-0.5, linestyle=":", color=REFERENCE)
    axes.set(xscale="log", xlabel="iteration $n$")
    log_ticks(axes.xaxis, table["step_min"].min(), table["step_max"].max())
    axes.legend(loc="best")


def _interval(fits: pd.DataFrame, quantity: str) -> str:
    row = fits[fits["quantity"] == quantity].iloc[0]
    return f"{number(row['slope'])} [{number(row['low'])}, {number(row['high'])}]"


def _alt_of_rates(slopes: Frames, data: Mapping[str, str]) -> str:
    parts = []
    for run, table in slopes.items():
        rates = table[table["role"] == "rate"]
        for (optimiser, name), part in rates.groupby(["optimiser", "estimator"], sort=False):
            parts.append(
                f"{data[run]}, run {run}, {OPTIMISERS[str(optimiser)]}, "
                f"{ESTIMATORS[str(name)][0]}: power {_interval(part, 'mean_gradient')}, "
                f"of the ratio to log n over root n {_interval(part, 'ratio')}"
            )
    return (
        "Squared gradient norm of the linear VAE against the iteration, both logarithmic, means "
        "over runs with 95% intervals: at a uniformly drawn iterate under decaying and constant "
        "steps, at the iterate itself, and log n over root n. Fitted powers of n over the last "
        f"iterates: {'; '.join(parts)}."
    )


def _alt_of_limit(local_slopes: Frames, data: Mapping[str, str]) -> str:
    parts = []
    for run, table in local_slopes.items():
        for (optimiser, role), part in table.groupby(["optimiser", "role"], sort=False):
            row = part.iloc[-1]
            parts.append(
                f"{data[run]}, {OPTIMISERS[str(optimiser)]}, {STARTS[str(role)][0]}: "
                f"{number(row['slope'])} [{number(row['low'])}, {number(row['high'])}] "
                f"from n = {row['step_min']:,}"
            )
    return (
        "Squared gradient norm against the iteration, both logarithmic, of trainings from a drawn "
        "start and from the optimum, with the power -1/2, and the local power of n by half decade. "
        "Over the last half decade: "
        f"{'; '.join(parts)}."
    )
