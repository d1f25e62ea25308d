"""Theorem 2 with the KL term: distance of trained networks to each ridge regression."""

from math import ceil

import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs, Tables
from vaentk.experiments.ntk.kl_ridge import SIGMAS
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

READINGS = {
    "KL": ("KL term (exact)", "#009E73", "D"),
    "Eq. 12, isotropic": (r"Eq. 12, $\beta/(d\sigma_0^2)$", "#CC79A7", "^"),
    "n beta": (r"ridge $n \beta$", "#0072B2", "o"),
    "beta": (r"ridge $\beta$ (as printed)", "#D55E00", "s"),
}
"""Label, colour and marker of a reading."""

ACROSS = 2
"""Cases in a row, each with a panel for every way to treat W_sigma."""


def kl_ridge(errors: Tables, *, runs: Runs) -> Drawing:
    """Draw two panels per run and beta: held-out errors by width, W_sigma frozen and trained."""
    held_out = {run: table[table["images"] == "held-out"] for run, table in errors.items()}
    cases = [
        (run, beta, table[table["beta"] == beta])
        for run, table in held_out.items()
        for beta in sorted(table["beta"].unique())
    ]
    with styled():
        figure, rows = panels(ceil(len(cases) / ACROSS), ACROSS * len(SIGMAS))
        flat = [axes for row in rows for axes in row]
        pairs = [flat[i : i + len(SIGMAS)] for i in range(0, len(flat), len(SIGMAS))]
        for pair, (run, beta, table) in zip(pairs, cases, strict=False):
            inputs = runs.settings[run].inputs
            for axes, sigma in zip(pair, SIGMAS, strict=True):
                axes.set_title(
                    rf"$n$ = {inputs.samples}, $d$ = {inputs.outputs}" + "\n"
                    rf"$\beta$ = {beta:g}, $W_\sigma$ {sigma}"
                )
                _panel(axes, table[table["sigma"] == sigma])
                axes.sharey(pair[0])
        for axes in flat[len(cases) * len(SIGMAS) :]:
            axes.remove()
        for row in rows:
            row[0].set_ylabel("relative error on test images")
        flat[0].plot([], [], ":", color=REFERENCE, label=r"$m^{-1/2}$")
        style.legend_below(figure, flat[0])
        figure.suptitle(runs.label, fontsize=9.5)
        return finish(figure, _alt(held_out))


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    for reading, look in READINGS.items():
        power = -0.5 if reading == "KL" else None
        style.against_width(axes, table[table["reading"] == reading], "error", look, power)


def _alt(errors: Tables) -> str:
    parts = []
    for run, table in errors.items():
        widest = table[table["width"] == table["width"].max()]
        for (beta, sigma), case in widest.groupby(["beta", "sigma"]):
            means = case.groupby("reading")["error"].mean()
            gaps = ", ".join(f"{reading} {number(means[reading])}" for reading in READINGS)
            parts.append(
                f"Run {run}, beta = {beta:g}, W_sigma {sigma}, m = {case['width'].max()}: {gaps}"
            )
    return (
        "Two panels per run and beta, W_sigma frozen and trained: the error on test images of four "
        "ridge regressions against the network trained on Eq. 4, by width. Means over seeds at "
        f"the largest width: {'. '.join(parts)}."
    )
