"""S1's figures: rates of the gradient's norm, noise of the estimators, betas."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs
from vaentk.figures.style import (
    REFERENCE,
    Drawing,
    finish,
    log_ticks,
    number,
    panels,
    styled,
    width_colours,
)

Frames = Mapping[str, pd.DataFrame]
"""A measure by run."""

OPTIMISERS = {"sgd": "SGD", "adam": "Adam"}
ESTIMATORS = {
    "pathwise": ("pathwise", "#0072B2", "o"),
    "score": ("score function", "#D55E00", "s"),
    "score-leave-one-out": ("score, leave-one-out", "#009E73", "^"),
    "score-mean": ("score, exact mean", "#CC79A7", "D"),
}
"""Label, colour (Okabe and Ito's palette) and marker of an estimator."""

THEOREM, CONSTANT, GREY = "#0072B2", "#D55E00", "#7F7F7F"

FIT_SPACE = 0.16
"""Part of a panel below the data that is kept free for the fitted powers."""

FACTORS = {"batch": ("data points $B$", "samples", "K"), "samples": ("samples $K$", "batch", "B")}
"""Axis label of a factor, the other factor and its letter."""

PLACES = {"start": "at the start", "optimum": "at the optimum"}
RELATIVE = {"gap": "gap to its own optimum", "gradient": r"$|\nabla\mathcal{L}|^2$ at iterate $n$"}
TIMES = {
    "time_gap": ("gap", "#0072B2", "o"),
    "time_gradient": ("gradient at the iterate", "#D55E00", "s"),
    "time_mean_gradient": (r"gradient at $\theta_R$", "#009E73", "^"),
}
"""Label, colour and marker of a time to the threshold."""


def linear_vae(curves: Frames, slopes: Frames, *, runs: Runs) -> Drawing:
    """Draw the squared gradient norm and the claimed rate, a panel an estimator."""
    with styled():
        by_row = _by_optimiser(curves)
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


def linear_vae_noise(noise: Frames, slopes: Frames, curves: Frames, *, runs: Runs) -> Drawing:
    """Draw the noise at start and optimum, two rows a run, and the gap, a row an optimiser."""
    with styled():
        figure, rows = panels(2 * len(noise), 3)
        for place, (run, table) in enumerate(noise.items()):
            shown = rows[2 * place : 2 * place + 2]
            for row, where in zip(shown, PLACES, strict=True):
                for axes, factor in zip(row, FACTORS, strict=False):
                    fitted = slopes[run][slopes[run]["place"] == where]
                    _noise_panel(axes, table[table["place"] == where], fitted, factor)
                    axes.set_title(f"noise {PLACES[where]}")
            by_optimiser = list(curves[run].groupby("optimiser", sort=False))
            for row, (name, own) in zip(shown, by_optimiser, strict=False):
                _gap_panel(row[2], own, OPTIMISERS[str(name)])
            for row in shown[len(by_optimiser) :]:
                row[2].set_axis_off()
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt_of_noise(slopes, runs.data))


def linear_vae_betas(curves: Frames, betas: Frames, *, runs: Runs) -> Drawing:
    """Draw gap, gradient and times to the threshold by beta, a row an optimiser."""
    with styled():
        by_row = _by_optimiser(curves)
        figure, rows = panels(len(by_row), 3)
        for (run, optimiser, table), row in zip(by_row, rows, strict=True):
            for axes, (quantity, title) in zip(row, RELATIVE.items(), strict=False):
                _relative_panel(axes, table, quantity)
                axes.set_title(f"{OPTIMISERS[optimiser]}: {title}")
            _time_panel(row[2], betas[run][betas[run]["optimiser"] == optimiser])
            row[2].set_title(f"{OPTIMISERS[optimiser]}: iterations to the threshold")
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt_of_betas(betas, runs.data))


def _by_optimiser(curves: Frames) -> list[tuple[str, str, pd.DataFrame]]:
    return [
        (run, str(optimiser), part)
        for run, table in curves.items()
        for optimiser, part in table.groupby("optimiser", sort=False)
    ]


def _estimators(table: pd.DataFrame) -> list[str]:
    return list(table[table["role"] == "rate"]["estimator"].unique())


def _band(axes: Axes, part: pd.DataFrame, quantity: str, colour: str) -> None:
    """Draw a 95% interval over the iterations; a logarithmic axis has no zero."""
    low, high = part[f"{quantity}_low"].clip(lower=1e-300), part[f"{quantity}_high"]
    axes.fill_between(part["step"], low, high, color=colour, alpha=0.2, linewidth=0)


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
        _band(axes, part, "mean_gradient", colour)
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
    axes.set_ylabel(r"$E|g - \nabla\mathcal{L}|^2$")
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


def _relative_panel(axes: Axes, table: pd.DataFrame, quantity: str) -> None:
    shown = table[table["step"] > 0]
    by_beta = list(shown.groupby("beta"))
    colours = width_colours(list(range(len(by_beta)))).values()
    for (beta, part), colour in zip(by_beta, colours, strict=True):
        axes.plot(part["step"], part[quantity], color=colour, label=rf"$\beta$ = {beta:g}")
        _band(axes, part, quantity, colour)
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


def _alt_of_betas(betas: Frames, data: Mapping[str, str]) -> str:
    parts = []
    for run, table in betas.items():
        table = table[table["quantity"].isin(TIMES)]
        for (optimiser, quantity), part in table.groupby(["optimiser", "quantity"], sort=False):
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
