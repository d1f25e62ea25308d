"""S5: heat maps of signal-to-noise ratios over B and K, of decoder and encoder."""

from collections.abc import Iterator, Mapping
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaentk.experiments.convergence.gradient_noise.measure import PARTS
from vaentk.figures.style import Drawing, finish, number, panels, styled

RATIO = "rms"
"""The ratio that is shown."""

ESTIMATORS = {"iwae": "IWAE", "iwae-dreg": "doubly reparametrised", "elbo": "ELBO"}
IMAGES = {"fixed": "fixed images", "redrawn": "images redrawn"}
SYMBOLS = {"theta": r"$\theta$", "phi": r"$\phi$"}
LABEL_WIDTH = 30


def draw(ratios: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> Drawing:
    """Draw a row of heat maps a run and kind of noise, a column a part and estimator.

    Parameters
    ----------
    ratios
        By run, a row a state, estimator, images, part, seed, batch and samples; the last state is
        shown, a mean over seeds.
    labels
        What the images of each run are.
    """
    rows = list(shown(ratios))
    columns = list(dict.fromkeys(key for _, _, table in rows for key in _columns(table)))
    with styled():
        figure, grid = panels(len(rows), len(columns))
        for axes_row, (run, images, table) in zip(grid, rows, strict=True):
            for axes, (part, estimator) in zip(axes_row, columns, strict=True):
                own = table[(table["part"] == part) & (table["estimator"] == estimator)]
                _heat_map(axes, own)
                name = f"{PARTS[part]} {SYMBOLS[part]}, {ESTIMATORS[estimator]}"
                axes.set_title(name)
                axes.set_xlabel("codes $K$")
            label = fill(f"{labels[run]}, {IMAGES[images]}", LABEL_WIDTH)
            axes_row[0].set_ylabel(f"{label}\nbatch $B$")
        return finish(figure, _alt(rows, columns, labels))


def shown(ratios: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield run, kind of noise and the rows of the last state with the kind."""
    for run, table in ratios.items():
        last = table[table["state"] == table["state"].iloc[-1]]
        for images in last["images"].unique():
            yield run, images, last[last["images"] == images]


def _columns(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Parts and estimators that have a panel: the decoder's is the same for both IWAEs."""
    found = list(table["estimator"].unique())
    return [("theta", found[0]), *(("phi", name) for name in found if name != "elbo")]


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
            light = np.isfinite(value) and logs[row, column] < middle
            colour = "white" if light else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)


def _alt(
    rows: list[tuple[str, str, pd.DataFrame]],
    columns: list[tuple[str, str]],
    labels: Mapping[str, str],
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
        parts.append(f"{labels[run]}, run {run}, {IMAGES[images]}: {'; '.join(said)}")
    return (
        "Heat maps of the signal-to-noise ratio of gradients over the batch B and the codes K of "
        f"an image, means over seeds. {'. '.join(parts)}."
    )
