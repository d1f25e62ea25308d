"""S5: signal-to-noise ratios over B and K: heat maps, and lines beside theory's powers."""

from collections.abc import Iterator, Mapping
from math import isfinite
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.image import AxesImage

from vaentk.experiments.declaration import Runs
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

PARTS = {"theta": "decoder", "phi": "encoder"}
SYMBOLS = {"theta": r"$\theta$", "phi": r"$\phi$"}
ESTIMATORS = {"iwae": "IWAE", "iwae-dreg": "doubly reparametrised", "elbo": "ELBO"}
IMAGES = {"fixed": "fixed images", "redrawn": "images redrawn"}
STATES = {"start": "before training", "end": "after training"}
LABEL_WIDTH = 30

PANELS = [(part, along) for part in PARTS for along in ("batch", "samples")]
NAMES = {"batch": "B", "samples": "K"}
HELD = {"batch": "samples", "samples": "batch"}
DREG, DREG_COLOUR = "iwae-dreg", "#D55E00"


class Row(NamedTuple):
    """What a row of panels shows: the ratios of one run, state and kind of noise."""

    run: str
    state: str
    images: str
    table: pd.DataFrame

    @property
    def label(self) -> str:
        """State and kind of noise, in words."""
        return f"{STATES[self.state]}, {IMAGES[self.images]}"


def gradient_noise(ratios: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw a row of heat maps a run, state and kind of noise, one column per part and estimator."""
    rows = list(_rows(ratios))
    columns = list(dict.fromkeys(key for row in rows for key in _columns(row.table)))
    means = [_means(row.table) for row in rows]
    shown = np.concatenate([own[own > 0] for own in means])
    least, most = (shown.min(), shown.max()) if len(shown) else (1.0, 10.0)
    scale = LogNorm(least, most)
    with styled():
        figure, grid = panels(len(rows), len(columns))
        for axes_row, row, own in zip(grid, rows, means, strict=True):
            for axes, (part, estimator) in zip(axes_row, columns, strict=True):
                image = _heat_map(axes, own[part, estimator].unstack(), scale)
                axes.set_title(f"{PARTS[part]} {SYMBOLS[part]}, {ESTIMATORS[estimator]}")
                axes.set_xlabel("codes $K$")
            label = fill(f"{runs.data[row.run]}, {row.label}", LABEL_WIDTH)
            axes_row[0].set_ylabel(f"{label}\nbatch $B$")
        bar = figure.colorbar(image, ax=[axes for row in grid for axes in row], shrink=0.6)
        bar.set_label("signal to noise, all panels")
        style.log_ticks(bar.ax.yaxis, least, most)
        return finish(figure, _heat_alt(rows, means, columns, runs.data))


def gradient_noise_exponents(
    ratios: Mapping[str, pd.DataFrame], exponents: Mapping[str, pd.DataFrame], *, runs: Runs
) -> Drawing:
    """Draw a row of panels per run, state and kind of noise: both parts against B and K."""
    rows = list(_rows(ratios))
    with styled():
        figure, grid = panels(len(rows), len(PANELS), sharey=True)
        said = []
        for axes_row, row in zip(grid, rows, strict=True):
            table, estimator = row.table, row.table["estimator"].iloc[0]
            fits = exponents[row.run]
            fits = fits[(fits["state"] == row.state) & (fits["images"] == row.images)]
            fits = fits[fits["at"] == "all"].set_index(["estimator", "part", "along"])
            words = []
            for axes, (part, along) in zip(axes_row, PANELS, strict=True):
                own = table[table["part"] == part]
                key: Any = (estimator, part, along)
                fit = fits.loc[key]
                _lines(axes, own[own["estimator"] == estimator], along, float(fit["claimed"]))
                if part == "phi" and DREG in set(own["estimator"]) - {estimator}:
                    _reparametrised(axes, own[own["estimator"] == DREG], along)
                # Three digits have no room here.
                slope, low, high = (
                    f"{fit[name]:.2f}".replace("-", "−") for name in ("slope", "low", "high")
                )
                power = f"${NAMES[along]}$ to the {slope} [{low}, {high}]"
                axes.set_title(f"{PARTS[part]} {SYMBOLS[part]}\n{power}")
                axes.set_xlabel(f"${NAMES[along]}$")
                slope, low, high = (number(fit[name]) for name in ("slope", "low", "high"))
                words.append(
                    f"{PARTS[part]} {NAMES[along]} to the {slope} [{low}, {high}] where theory has "
                    f"{number(fit['claimed'])}"
                )
            axes_row[0].set_ylabel(f"{fill(row.label, LABEL_WIDTH)}\nsignal to noise")
            said.append(f"{runs.data[row.run]}, run {row.run}, {row.label}: {'; '.join(words)}")
        style.log_ticks(grid[0][0].yaxis, *grid[0][0].get_ylim())
        handles, names = grid[0][-1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
        figure.suptitle(runs.label, fontsize=9)
        alt = (
            "Signal-to-noise ratios of the gradients of decoder and encoder against the batch B "
            "and the codes K of an image on logarithmic axes, a line per value of the other, with "
            "95% intervals; dotted lines have theory's powers. Fitted powers with 95% intervals: "
        )
        return finish(figure, f"{alt}{'. '.join(said)}.")


def _rows(ratios: Mapping[str, pd.DataFrame]) -> Iterator[Row]:
    for run, table in ratios.items():
        for (state, images), own in table.groupby(["state", "images"], sort=False):
            yield Row(run, str(state), str(images), own)


def _columns(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Parts and estimators that have a panel: the decoder's is the same for both IWAEs."""
    names = list(table["estimator"].unique())
    return [("theta", names[0]), *(("phi", name) for name in names if name != "elbo")]


def _means(table: pd.DataFrame) -> pd.Series:
    """Means over seeds by part, estimator, B and K, NaN where a seed is drowned."""
    cells = table.groupby(["part", "estimator", "batch", "samples"])["ratio"]
    return cells.mean().where(cells.count() == cells.size())


def _heat_map(axes: Axes, grid: pd.DataFrame, scale: LogNorm) -> AxesImage:
    """Draw means with their number in every cell; drowned cells are blank."""
    values = grid.to_numpy(float)
    image = axes.imshow(
        values, "cividis", norm=scale, origin="lower", aspect="auto", interpolation="nearest"
    )
    axes.set_xticks(range(len(grid.columns)), [str(k) for k in grid.columns])
    axes.set_yticks(range(len(grid.index)), [str(b) for b in grid.index])
    axes.grid(False)
    for (row, column), value in np.ndenumerate(values):
        text = number(value) if np.isfinite(value) else "–"
        colour = style.ink_on(scale(value)) if np.isfinite(value) else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    return image


def _heat_alt(
    rows: list[Row],
    means: list[pd.Series],
    columns: list[tuple[str, str]],
    data: Mapping[str, str],
) -> str:
    parts = []
    for row, own in zip(rows, means, strict=True):
        said = []
        for part, estimator in columns:
            cells = own[part, estimator]
            first, last = cells.index[0], cells.index[-1]
            said.append(
                f"{PARTS[part]} under {ESTIMATORS[estimator]} {number(cells[first])} at B = "
                f"{first[0]}, K = {first[1]} and {number(cells[last])} at B = {last[0]}, "
                f"K = {last[1]}"
            )
        parts.append(f"{data[row.run]}, run {row.run}, {row.label}: {'; '.join(said)}")
    return (
        "Heat maps of the signal-to-noise ratio of gradients over the batch B and the codes K of "
        f"an image, means over seeds. {'. '.join(parts)}."
    )


def _lines(axes: Axes, table: pd.DataFrame, along: str, claimed: float) -> None:
    """Draw the mean over seeds, one line per value of what is held constant, and theory's power."""
    held = HELD[along]
    cells = table.groupby([held, along])[["ratio", "ratio_low", "ratio_high"]]
    shown = cells.mean().where(cells.count() == len(table["seed"].unique()))
    means = shown["ratio"].unstack()
    for value, colour in style.width_colours([int(v) for v in means.index]).items():
        own = shown.loc[value]
        ends = [own["ratio"] - own["ratio_low"], own["ratio_high"] - own["ratio"]]
        axes.errorbar(
            own.index, own["ratio"], ends, fmt="o-", color=colour, markersize=3, capsize=2
        )
    values = [int(v) for v in means.columns]
    axes.plot([], [], "o-", color="#35648a", markersize=3, label="IWAE, darker where more are held")
    centre = np.exp(np.nanmean(np.log(means.to_numpy(float))))
    if isfinite(centre):
        across = np.array(values) / np.exp(np.mean(np.log(values)))
        power = centre * across**claimed
        axes.plot(values, power, ":", color=REFERENCE, linewidth=1.6, label="theory's power")
    style.power_ticks(axes, values)
    axes.set_yscale("log")


def _reparametrised(axes: Axes, table: pd.DataFrame, along: str) -> None:
    """Draw the doubly reparametrised gradient's geometric mean where no cell is drowned."""
    logs = np.log(table["ratio"]).groupby(table[along]).agg(lambda cells: cells.mean(skipna=False))
    label = f"{ESTIMATORS[DREG]}, over all cells"
    axes.plot(logs.index, np.exp(logs), "^--", color=DREG_COLOUR, markersize=4, label=label)
