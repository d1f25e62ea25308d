"""What the figures of the linear VAE share: names, colours, rows and bands."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

Frames = Mapping[str, pd.DataFrame]
"""A measure by run."""

OPTIMISERS = {"sgd": "SGD", "adam": "Adam"}
ESTIMATORS = {
    "pathwise": ("pathwise", "#0072B2", "o"),
    "score": ("score function", "#D55E00", "s"),
    "score-leave-one-out": ("score, leave-one-out", "#009E73", "^"),
    "score-mean": ("score, exact mean", "#CC79A7", "D"),
    "iwae": ("IWAE", "#E69F00", "v"),
}
"""Label, colour (Okabe and Ito's palette) and marker of an estimator."""

GREY = "#7F7F7F"


def by_optimiser(curves: Frames) -> list[tuple[str, str, pd.DataFrame]]:
    """Take the tables of all runs apart by optimiser."""
    return [
        (run, str(optimiser), part)
        for run, table in curves.items()
        for optimiser, part in table.groupby("optimiser", sort=False)
    ]


def band(axes: Axes, part: pd.DataFrame, quantity: str, colour: str) -> None:
    """Draw a 95% interval over the iterations; a logarithmic axis has no zero."""
    low, high = part[f"{quantity}_low"].clip(lower=1e-300), part[f"{quantity}_high"]
    axes.fill_between(part["step"], low, high, color=colour, alpha=0.2, linewidth=0)
