"""Figure 4 as a measurement: how well the best single unit tells each attribute of the faces."""

from collections.abc import Mapping, Sequence
from math import floor

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaentk.figures.style import REFERENCE, Drawing, finish, number, styled

LOOKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "v"), ("#E69F00", "P"))
"""Colour (Okabe and Ito's palette) and marker of each latent size."""

GREY, BAND = "#7F7F7F", "#f4f4f4"
PROBE = "D"
"""Marker of the linear probe on the whole code."""

WIDTH, ENDS = 7.2, 1.7
"""Inches across, and down for what stands above and below the rows."""

LANE, LEAST_ROW = 0.042, 0.22
"""Inches of a row for each of its points, and of a row at least."""

FILLED = 0.78
"""Part of a row's height that its points and the tick of its null take."""

MARGIN = 0.015
"""What is shown beyond the outermost points."""


def draw(table: pd.DataFrame, title: str, threshold: float) -> Drawing:
    """Draw a row an attribute, the best at the widest network on top, over an axis of AUC.

    Each latent size and seed has a point, filled where the attribute is discovered, with its
    interval; a grey tick is the largest null of the row, a hollow diamond the linear probe.

    Parameters
    ----------
    table
        A row a latent, seed and attribute: auc of the best single unit on test images with its
        95% bootstrap interval low, high; null, the 95% quantile for permuted labels; probe, the
        AUC of a linear probe on the whole code; discovered, bool: low above null and threshold.
    title
        What the images are, with the words stand-in or drawn where they are that.
    threshold
        AUC above which an interval must lie.
    """
    latents = sorted(table["latent"].unique())
    attributes = _order(table, latents[-1])
    lanes = table.groupby("latent")["seed"].nunique().sum()
    height = max(LEAST_ROW, LANE * lanes) * len(attributes) + ENDS
    with styled():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots()
        _rows(axes, attributes, table)
        axes.axvline(threshold, color=REFERENCE, linestyle="-.", linewidth=0.9, label=_name(threshold))
        _points(axes, table, attributes, dict(zip(latents, LOOKS, strict=False)))
        axes.set_xlabel("AUC on test images")
        axes.tick_params(axis="x", top=True, labeltop=True)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title)
        figure.legend(loc="outside lower center", ncols=2)
        return finish(figure, _alt(table, attributes, title, threshold))
