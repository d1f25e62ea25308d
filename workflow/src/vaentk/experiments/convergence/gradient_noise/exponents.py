"""S5: signal-to-noise ratios against B and against K, beside theory's powers."""

from collections.abc import Mapping
from math import isfinite

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.convergence.gradient_noise.figures import (
    ESTIMATORS,
    IMAGES,
    RATIO,
    SYMBOLS,
    shown,
)
from vaentk.experiments.convergence.gradient_noise.measure import ALL, PARTS
from vaentk.figures.style import (
    REFERENCE,
    Drawing,
    finish,
    log_ticks,
    number,
    panels,
    power_ticks,
    styled,
    width_colours,
)

PANELS = [(part, along) for part in PARTS for along in ("batch", "samples")]
NAMES = {"batch": "B", "samples": "K"}
HELD = {"batch": "samples", "samples": "batch"}
DREG, DREG_COLOUR = "iwae-dreg", "#D55E00"


def draw(
    ratios: Mapping[str, pd.DataFrame],
    exponents: Mapping[str, pd.DataFrame],
    labels: Mapping[str, str],
) -> Drawing:
    """Draw a row of panels a run and kind of noise: decoder and encoder against B and K.

    Parameters
    ----------
    ratios
        As for `vaentk.experiments.convergence.gradient_noise.figures.draw`.
    exponents
        By run, what is fitted to them.
    labels
        What the images of each run are.
    """
    rows = list(shown(ratios))
    with styled():
        figure, grid = panels(len(rows), len(PANELS))
        said = []
        for axes_row, (run, images, table) in zip(grid, rows, strict=True):
            state, estimator = table["state"].iloc[0], table["estimator"].iloc[0]
            fits = exponents[run]
            fits = fits[(fits["state"] == state) & (fits["images"] == images)]
            fits = fits[(fits["at"] == ALL) & (fits["ratio"] == RATIO)]
            fits = fits.set_index(["estimator", "part", "along"])
            words = []
            for axes, (part, along) in zip(axes_row, PANELS, strict=True):
                own = table[table["part"] == part]
                fit = fits.loc[(estimator, part, along)]
                _lines(axes, own[own["estimator"] == estimator], along, float(fit["claimed"]))
                if part == "phi" and DREG in set(own["estimator"]) - {estimator}:
                    _reparametrised(axes, own[own["estimator"] == DREG], along)
                axes.set_title(f"{PARTS[part]} {SYMBOLS[part]}\n{_fitted(fit, along)}")
                axes.set_xlabel(f"${NAMES[along]}$")
                words.append(f"{PARTS[part]} {_plain(fit, along)}")
            axes_row[0].set_ylabel(f"{IMAGES[images]}\nsignal to noise")
            said.append(f"{labels[run]}, run {run}, {IMAGES[images]}: {'; '.join(words)}")
        handles, names = grid[0][-1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
        figure.suptitle("; ".join(dict.fromkeys(labels.values())), fontsize=9)
        return finish(figure, _alt(said))


def _lines(axes: Axes, table: pd.DataFrame, along: str, claimed: float) -> None:
    """Draw a line a value of what is held constant, and theory's power through their middle."""
    held = HELD[along]
    means = table.groupby([held, along])[RATIO].mean().unstack()
    for value, colour in width_colours([int(v) for v in means.index]).items():
        axes.plot(means.columns, means.loc[value], "o-", color=colour, markersize=3)
    values = [int(v) for v in means.columns]
    axes.plot([], [], "o-", color="#35648a", markersize=3, label="IWAE, darker where more are held")
    centre = np.exp(np.nanmean(np.log(means.to_numpy(float))))
    if isfinite(centre):
        across = np.array(values) / np.exp(np.mean(np.log(values)))
        axes.plot(
            values,
            centre * across**claimed,
            ":",
            color=REFERENCE,
            linewidth=1.6,
            label="theory's power",
        )
    power_ticks(axes, values)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    log_ticks(axes.yaxis, low, high)


def _reparametrised(axes: Axes, table: pd.DataFrame, along: str) -> None:
    """Draw the doubly reparametrised gradient's geometric mean where no cell is drowned."""
    logs = np.log(table[RATIO]).groupby(table[along]).agg(lambda cells: cells.mean(skipna=False))
    axes.plot(
        logs.index,
        np.exp(logs),
        "^--",
        color=DREG_COLOUR,
        markersize=4,
        label=f"{ESTIMATORS[DREG]}, over all cells",
    )


def _fitted(fit: pd.Series, along: str) -> str:
    """Say a fitted power in a panel's title, where three digits have no room."""
    value, low, high = (_short(fit[name]) for name in ("slope", "low", "high"))
    return f"${NAMES[along]}$ to the {value} [{low}, {high}]"


def _short(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _plain(fit: pd.Series, along: str) -> str:
    return (
        f"{NAMES[along]} to the {number(fit['slope'])} [{number(fit['low'])}, "
        f"{number(fit['high'])}] where theory has {number(fit['claimed'])}"
    )


def _alt(said: list[str]) -> str:
    return (
        "Signal-to-noise ratios of the gradients of decoder and encoder against the batch B and "
        "the codes K of an image on logarithmic axes, a line a value of the other; dotted lines "
        f"have theory's powers. Fitted powers with 95% intervals: {'. '.join(said)}."
    )
