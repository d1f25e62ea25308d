"""Lemma 1's limit kernels on the images, and their smallest eigenvalue by activation and sigma0."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Runs, Tables
from vaentk.figures import style
from vaentk.figures.style import Drawing, finish, number, panels, styled

PARTS = {"mu": r"$K_\mu$", "sigma": r"$K_\sigma$", "d": "$K_d$"}


def limit_kernels(eigenvalues: Tables, kernels: Mapping[str, Stored], *, runs: Runs) -> Drawing:
    """Draw the three kernels of the first run's first activation, and lambda_0 of all of them."""
    run = next(iter(runs.data))
    table, arrays = eigenvalues[run], kernels[run].arrays
    middle = table.iloc[table["sigma0"].nunique() // 2]
    name, sigma0 = middle["activation"], middle["sigma0"]
    with styled():
        figure, (upper, lower) = panels(2, 2)
        *shown, last = upper + lower
        for axes, (part, title) in zip(shown, PARTS.items(), strict=True):
            _heat_map(axes, arrays[f"{name}/{sigma0}/{part}"], arrays["labels"])
            axes.set_title(rf"{title}: {name}, $\sigma_0$ = {sigma0:g}")
            axes.set_ylabel(f"{runs.data[run]}, by digit")
        _least_eigenvalues(last, table)
        least = table.iloc[table["lambda_0"].argmin()]
        alt = (
            f"Three heat maps of the limit kernels of {name} at sigma0 = {sigma0:g} over images "
            "sorted by digit, with visible blocks, and a table-like heat map of the least "
            "eigenvalue lambda_0 by activation and sigma0; the least of all is "
            f"{number(least['lambda_0'])} for {least['activation']} at sigma0 = "
            f"{least['sigma0']:g}."
        )
        return finish(figure, alt)


def _heat_map(axes: Axes, kernel: NDArray[np.generic], labels: NDArray[np.generic]) -> None:
    image = axes.imshow(kernel, cmap="cividis", interpolation="nearest")
    starts = np.searchsorted(labels, range(10))
    ends = np.append(starts[1:], len(labels))
    centres = (starts + ends - 1) / 2
    axes.set_xticks(centres, [str(digit) for digit in range(10)])
    axes.set_yticks(centres, [str(digit) for digit in range(10)])
    axes.grid(False)
    axes.figure.colorbar(image, ax=axes, shrink=0.8)


def _least_eigenvalues(axes: Axes, eigenvalues: pd.DataFrame) -> None:
    grid = eigenvalues.pivot(index="activation", columns="sigma0", values="lambda_0")
    grid = grid.reindex(eigenvalues["activation"].unique())
    grid.index = grid.index.str.replace("_", "-")
    values = np.log10(grid)
    sns.heatmap(
        values,
        annot=grid.map(number),
        fmt="",
        cmap="cividis",
        cbar=False,
        ax=axes,
        annot_kws={"fontsize": 8},
    )
    part = (values - values.min(axis=None)) / np.ptp(values)
    for text, place in zip(axes.texts, part.to_numpy().flat, strict=True):
        text.set_color(style.ink_on(place))
    axes.set_title(r"smallest eigenvalue $\lambda_0$ of $K$")
    axes.set_xlabel(r"$\sigma_0$")
    axes.set_ylabel("")
    axes.tick_params(axis="y", rotation=0)
