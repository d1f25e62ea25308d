"""S5: signal-to-noise ratios over B and K: heat maps, and lines beside theory's powers."""

from collections.abc import Iterator, Mapping
from math import isfinite
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.declaration import Runs
from vaentk.figures import style
from vaentk.figures.style import REFERENCE, Drawing, finish, number, panels, styled

RATIO = "rms"
"""The ratio that is shown."""

PARTS = {"theta": "decoder", "phi": "encoder"}
SYMBOLS = {"theta": r"$\theta$", "phi": r"$\phi$"}
ESTIMATORS = {"iwae": "IWAE", "iwae-dreg": "doubly reparametrised", "elbo": "ELBO"}
IMAGES = {"fixed": "fixed images", "redrawn": "images redrawn"}
LABEL_WIDTH = 30

PANELS = [(part, along) for part in PARTS for along in ("batch", "samples")]
NAMES = {"batch": "B", "samples": "K"}
HELD = {"batch": "samples", "samples": "batch"}
DREG, DREG_COLOUR = "iwae-dreg", "#D55E00"


def gradient_noise(ratios: Mapping[str, pd.DataFrame], *, runs: Runs) -> Drawing:
    """Draw a row of heat maps a run and kind of noise, a column a part and estimator."""
    rows = list(_shown(ratios))
    columns = list(dict.fromkeys(key for _, _, table in rows for key in _columns(table)))
    with styled():
        figure, grid = panels(len(rows), len(columns))
        for axes_row, (run, images, table) in zip(grid, rows, strict=True):
            for axes, (part, estimator) in zip(axes_row, columns, strict=True):
                own = table[(table["part"] == part) & (table["estimator"] == estimator)]
                _heat_map(axes, own)
                axes.set_title(f"{PARTS[part]} {SYMBOLS[part]}, {ESTIMATORS[estimator]}")
                axes.set_xlabel("codes $K$")
            label = fill(f"{runs.data[run]}, {IMAGES[images]}", LABEL_WIDTH)
            axes_row[0].set_ylabel(f"{label}\nbatch $B$")
        return finish(figure, _heat_alt(rows, columns, runs.data))


def gradient_noise_exponents(
    ratios: Mapping[str, pd.DataFrame], exponents: Mapping[str, pd.DataFrame], *, runs: Runs
) -> Drawing:
    """Draw a row of panels a run and kind of noise: decoder and encoder against B and K."""
    rows = list(_shown(ratios))
    with styled():
        figure, grid = panels(len(rows), len(PANELS))
        said = []
        for axes_row, (run, images, table) in zip(grid, rows, strict=True):
            state, estimator = table["state"].iloc[0], table["estimator"].iloc[0]
            fits = exponents[run]
            fits = fits[(fits["state"] == state) & (fits["images"] == images)]
            fits = fits[(fits["at"] == "all") & (fits["ratio"] == RATIO)]
            fits = fits.set_index(["estimator", "part", "along"])
            words = []
            for axes, (part, along) in zip(axes_row, PANELS, strict=True):
                own = table[table["part"] == part]
                fit = fits.loc[(estimator, part, along)]
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
            axes_row[0].set_ylabel(f"{IMAGES[images]}\nsignal to noise")
            said.append(f"{runs.data[run]}, run {run}, {IMAGES[images]}: {'; '.join(words)}")
        handles, names = grid[0][-1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
        figure.suptitle(runs.label, fontsize=9)
        alt = (
            "Signal-to-noise ratios of the gradients of decoder and encoder against the batch B "
            "and the codes K of an image on logarithmic axes, a line a value of the other; dotted "
            "lines have theory's powers. Fitted powers with 95% intervals: "
        )
        return finish(figure, f"{alt}{'. '.join(said)}.")


def _shown(ratios: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield run, kind of noise and the rows of the last state with the kind."""
    for run, table in ratios.items():
        last = table[table["state"] == table["state"].iloc[-1]]
        for images in last["images"].unique():
            yield run, images, last[last["images"] == images]


def _columns(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Parts and estimators that have a panel: the decoder's is the same for both IWAEs."""
    names = list(table["estimator"].unique())
    return [("theta", names[0]), *(("phi", name) for name in names if name != "elbo")]


def _heat_map(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the mean over seeds, with its number in every cell; drowned cells are blank."""
    grid = table.pivot_table(index="batch", columns="samples", values=RATIO, dropna=False)
    logs = np.log10(grid.to_numpy(float))
    axes.imshow(logs, cmap="cividis", origin="lower", aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(grid.columns)), [str(k) for k in grid.columns])
    axes.set_yticks(range(len(grid.index)), [str(b) for b in grid.index])
    axes.grid(False)
    middle = (np.nanmax(logs) + np.nanmin(logs)) / 2 if np.isfinite(logs).any() else 0
    for row, batch in enumerate(grid.index):
        for column, codes in enumerate(grid.columns):
            value = float(grid.loc[batch, codes])
            text = number(value) if np.isfinite(value) else "–"
            colour = "white" if logs[row, column] < middle else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)


def _heat_alt(
    rows: list[tuple[str, str, pd.DataFrame]],
    columns: list[tuple[str, str]],
    data: Mapping[str, str],
) -> str:
    parts = []
    for run, images, table in rows:
        means = table.groupby(["part", "estimator", "batch", "samples"])[RATIO].mean()
        said = []
        for part, estimator in columns:
            own = means[part, estimator]
            first, last = own.index[0], own.index[-1]
            said.append(
                f"{PARTS[part]} under {ESTIMATORS[estimator]} {number(own[first])} at B = "
                f"{first[0]}, K = {first[1]} and {number(own[last])} at B = {last[0]}, "
                f"K = {last[1]}"
            )
        parts.append(f"{data[run]}, run {run}, {IMAGES[images]}: {'; '.join(said)}")
    return (
        "Heat maps of the signal-to-noise ratio of gradients over the batch B and the codes K of "
        f"an image, means over seeds. {'. '.join(parts)}."
    )


def _lines(axes: Axes, table: pd.DataFrame, along: str, claimed: float) -> None:
    """Draw a line a value of what is held constant, and theory's power through their middle."""
    held = HELD[along]
    means = table.groupby([held, along])[RATIO].mean().unstack()
    for value, colour in style.width_colours([int(v) for v in means.index]).items():
        axes.plot(means.columns, means.loc[value], "o-", color=colour, markersize=3)
    values = [int(v) for v in means.columns]
    axes.plot([], [], "o-", color="#35648a", markersize=3, label="IWAE, darker where more are held")
    centre = np.exp(np.nanmean(np.log(means.to_numpy(float))))
    if isfinite(centre):
        across = np.array(values) / np.exp(np.mean(np.log(values)))
        power = centre * across**claimed
        axes.plot(values, power, ":", color=REFERENCE, linewidth=1.6, label="theory's power")
    style.power_ticks(axes, values)
    axes.set_yscale("log")
    style.log_ticks(axes.yaxis, *axes.get_ylim())


def _reparametrised(axes: Axes, table: pd.DataFrame, along: str) -> None:
    """Draw the doubly reparametrised gradient's geometric mean where no cell is drowned."""
    logs = np.log(table[RATIO]).groupby(table[along]).agg(lambda cells: cells.mean(skipna=False))
    label = f"{ESTIMATORS[DREG]}, over all cells"
    axes.plot(logs.index, np.exp(logs), "^--", color=DREG_COLOUR, markersize=4, label=label)
