"""X11 and X12: the rate of every model, and its curvature against the parameters' norm."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.convergence.other_models import SEQUENTIAL
from vaentk.experiments.declaration import Runs
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled
from vaentk.statistics.intervals import geometric_mean

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "^", "D", "v", "P", "s")
GROUPS = {"decoders": False, "sequential VAEs": True}
"""Title of a panel, and whether its models are sequential."""


def other_models(
    curves: Mapping[str, pd.DataFrame], slopes: Mapping[str, pd.DataFrame], *, runs: Runs
) -> Drawing:
    """Draw E|grad L(theta_R)|^2 against n, a row of panels per run, one line per model."""
    with styled():
        figure, rows = panels(len(curves), len(GROUPS))
        said = []
        for row, (run, table) in zip(rows, curves.items(), strict=True):
            for axes, (title, sequential) in zip(row, GROUPS.items(), strict=True):
                own = table[table["model"].str.startswith(SEQUENTIAL) == sequential]
                _curves(axes, own)
                axes.set_title(title)
            row[0].set_ylabel(r"$E|\nabla L(\theta_R)|^2$")
            fits = slopes[run].query("quantity == 'ratio'")
            said += [
                f"{model} {number(slope)} [{number(low)}, {number(high)}]"
                for model, slope, low, high in fits[["model", "slope", "low", "high"]].to_numpy()
            ]
        for axes in rows[-1]:
            axes.set_xlabel("iteration $n$")
        figure.suptitle(runs.label, fontsize=9)
        alt = (
            "Mean squared gradient norm over the iterates 0 to n against n, both logarithmic, a "
            "line a model with 95% intervals; dotted, log n / sqrt(n). Powers of n in the ratio of "
            "the two over the last decade: "
        )
        return finish(figure, f"{alt}{'; '.join(said)}.")


def other_models_curvature(curvatures: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw the largest curvature against the parameters' norm, a panel per group of models."""
    with styled():
        figure, rows = panels(len(curvatures), len(GROUPS))
        said = []
        for row, table in zip(rows, curvatures.values(), strict=True):
            for axes, (title, sequential) in zip(row, GROUPS.items(), strict=True):
                own = table[table["model"].str.startswith(SEQUENTIAL) == sequential]
                said += _curvatures(axes, own)
                axes.set_title(title)
            row[0].set_ylabel("largest |eigenvalue| of the Hessian")
        for axes in rows[-1]:
            axes.set_xlabel("norm of the parameters")
        figure.suptitle(runs.label, fontsize=9)
        alt = (
            "Largest absolute eigenvalue of the Hessian against the norm of the parameters, both "
            "logarithmic, one line per model: geometric means over random directions with 95% "
            "intervals. At the least and the largest norm: "
        )
        return finish(figure, f"{alt}{'; '.join(said)}.")


def _curves(axes: Axes, table: pd.DataFrame) -> None:
    for place, (model, own) in enumerate(table.groupby("model", sort=False)):
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(own["step"], own["mean_gradient"], color=colour, label=model)
        ends = own["mean_gradient_low"], own["mean_gradient_high"]
        axes.fill_between(own["step"], *ends, color=colour, alpha=0.2, linewidth=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    if table.empty:
        return
    n = np.geomspace(10, table["step"].max(), 40)
    highest = table[table["step"] >= n[0]]["mean_gradient"].max()
    rate = np.log(n) / np.sqrt(n)
    axes.plot(n, rate / rate[0] * highest, ":", color=REFERENCE, label=r"$\log n / \sqrt{n}$")
    axes.legend(fontsize=7)


def _curvatures(axes: Axes, table: pd.DataFrame) -> list[str]:
    """Draw every model's means side by side; say them at the ends."""
    said = []
    for place, (model, own) in enumerate(table.groupby("model", sort=False)):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        means = {norm: geometric_mean(part["curvature"]) for norm, part in own.groupby("norm")}
        across = [float(str(norm)) * 1.02**place for norm in means]
        values = [estimate.value for estimate in means.values()]
        ends = [
            [estimate.value - estimate.low for estimate in means.values()],
            [estimate.high - estimate.value for estimate in means.values()],
        ]
        axes.errorbar(across, values, ends, fmt=marker + "-", color=colour, label=model, capsize=2)
        said.append(f"{model} {number(values[0])} and {number(values[-1])}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    if said:
        style.power_ticks(axes, sorted(table["norm"].unique()))
        axes.legend(fontsize=7)
    return said
