"""S1: the linear VAE's gradient norm at a uniformly drawn iterate, against log n / sqrt(n)."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs
from vaentk.figures.style import REFERENCE, Drawing, finish, log_ticks, number, panels, styled

OPTIMISERS = {"sgd": "SGD", "adam": "Adam"}
ESTIMATORS = {
    "pathwise": ("pathwise", "#0072B2", "o"),
    "score": ("score function", "#D55E00", "s"),
    "score-leave-one-out": ("score, leave-one-out", "#009E73", "^"),
    "score-mean": ("score, exact mean", "#CC79A7", "D"),
}
"""Label, colour (Okabe and Ito's palette) and marker of an estimator."""

WORDS = 0.16
"""Part of a panel below the data that is kept free for the fitted powers."""

THEOREM, CONSTANT, ITERATE = "#0072B2", "#D55E00", "#7F7F7F"


def linear_vae(
    curves: Mapping[str, pd.DataFrame],
    slopes: Mapping[str, pd.DataFrame],
    *,
    runs: Runs,
) -> Drawing:
    """Draw, for every run, a row an optimiser and a panel an estimator.

    Parameters
    ----------
    curves
        Means over runs with intervals, by run: role, optimiser, estimator, step.
    slopes
        Fitted powers of n, by run.
    runs
        What their data is, with the word drawn.
    """
    with styled():
        pairs = [(run, name) for run in curves for name in curves[run]["optimiser"].unique()]
        names = list(dict.fromkeys(n for table in curves.values() for n in _estimators(table)))
        figure, rows = panels(len(pairs), len(names), sharey=False)
        for (run, optimiser), row in zip(pairs, rows, strict=True):
            table = curves[run][curves[run]["optimiser"] == optimiser]
            fitted = slopes[run][slopes[run]["optimiser"] == optimiser]
            for axes, name in zip(row, names, strict=True):
                if name not in _estimators(table):
                    axes.set_axis_off()
                    continue
                own = fitted[fitted["estimator"] == name]
                _panel(axes, table[table["estimator"] == name], own)
                axes.set_title(f"{OPTIMISERS[optimiser]}, {ESTIMATORS[name][0]}")
            row[0].set_ylabel(r"$|\nabla\mathcal{L}|^2$, mean over runs")
        for axes in rows[-1]:
            axes.set_xlabel("iteration $n$")
        handles, texts = rows[0][0].get_legend_handles_labels()
        data = next(iter(runs.data.values())) if len(runs.data) == 1 else "drawn Gaussian data"
        figure.legend(handles, texts, loc="outside lower center", ncols=2, title=data)
        return finish(figure, _alt(slopes, runs.data))


def _estimators(table: pd.DataFrame) -> list[str]:
    return list(table[table["role"] == "rate"]["estimator"].unique())


def _panel(axes: Axes, table: pd.DataFrame, slopes: pd.DataFrame) -> None:
    rate = table[table["role"] == "rate"]
    constant = table[table["role"] == "constant"]
    axes.plot(
        rate["step"], rate["gradient"], color=ITERATE, linewidth=0.9, label="at iterate $n$ itself"
    )
    for part, colour, line, words in (
        (rate, THEOREM, "-", r"at $\theta_R$, $R$ uniform on 0 to $n$; steps $C n^{-1/2}$"),
        (constant, CONSTANT, "--", r"at $\theta_R$, constant steps $C$"),
    ):
        axes.plot(part["step"], part["mean_gradient"], line, color=colour, label=words)
        low, high = part["mean_gradient_low"].clip(lower=1e-300), part["mean_gradient_high"]
        axes.fill_between(part["step"], low, high, color=colour, alpha=0.2, linewidth=0)
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
    axes.set_ylim(bottom * (bottom / top) ** (WORDS / (1 - WORDS)), top)
    log_ticks(axes.xaxis, rate["step"].min(), rate["step"].max())
    log_ticks(axes.yaxis, *axes.get_ylim())
    axes.text(
        0.03, 0.03, _fit(fits), transform=axes.transAxes, ha="left", va="bottom", fontsize=7.5
    )


def _fit(fits: pd.DataFrame) -> str:
    """Say the fitted powers of the last iterates."""
    return (
        f"$n$ from {int(fits['step_min'].iloc[0]):,}: power {_interval(fits, 'mean_gradient')}\n"
        f"ratio to $\\log n/\\sqrt{{n}}$: {_interval(fits, 'ratio')}"
    )


def _interval(fits: pd.DataFrame, quantity: str) -> str:
    row = fits[fits["quantity"] == quantity].iloc[0]
    return f"{number(row['slope'])} [{number(row['low'])}, {number(row['high'])}]"


def _alt(slopes: Mapping[str, pd.DataFrame], data: Mapping[str, str]) -> str:
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
