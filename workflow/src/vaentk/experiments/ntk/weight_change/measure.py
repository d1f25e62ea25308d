"""Figure 2 as a measurement: how far each layer moves, and the power of the width it follows."""

from itertools import pairwise

import numpy as np
import pandas as pd

from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.statistics.slopes import by_seed, power, power_of_width
from vaentk.training.schedule import OCTAVES, eq7_learning_rate

CLAIMED_SLOPES = {
    **{"enc": -0.5, "hid": -1.0, "hid2": -1.0, "hid3": -1.0, "mu": -1.0},
    **{"sigma": np.nan, "dec": -0.5},
}
"""Exponents of the width in Figure 2's dotted lines; the paper does not plot W_sigma, and further
hidden layers are like the one that it has."""


def measure(settings: WeightChange, *, records: Tables) -> dict[str, pd.DataFrame]:
    """Measure one run: Figure 2's changes, and their slopes against the width."""
    observed = pd.concat(records.values(), ignore_index=True)
    outputs = settings.inputs.outputs
    moved = changes(observed)
    return {
        "changes": moved,
        "slopes": slopes(moved, settings.slope_widths, outputs),
        "local_slopes": local_slopes(moved, outputs),
        "stability": stability(observed, settings),
    }


def changes(records: pd.DataFrame) -> pd.DataFrame:
    """Pick the relative Frobenius changes at the times that all widths share.

    Returns
    -------
    DataFrame
        Columns width, seed, layer, fraction, time, change, with fraction = time over the whole
        training time: 1, 1/2, ... 1/64.
    """
    last = records.groupby(["width", "seed"])["time"].transform("max")
    parts: list[pd.DataFrame] = []
    for octave in range(OCTAVES + 1):
        chosen = records[records["time"] == last * 2.0**-octave]
        long = chosen.melt(
            id_vars=["width", "seed", "time"],
            value_vars=[f"change_{name}" for name in CLAIMED_SLOPES if f"change_{name}" in chosen],
            var_name="layer",
            value_name="change",
        )
        parts.append(long.assign(layer=long["layer"].str[7:], fraction=2.0**-octave))
    columns = ["width", "seed", "layer", "fraction", "time", "change"]
    return pd.concat(parts)[columns].sort_values(columns[:4], ignore_index=True)


def slopes(table: pd.DataFrame, slope_widths: int, outputs: int) -> pd.DataFrame:
    """Fit ``change ~ width^slope`` for every layer and time of `changes`, over the largest widths.

    Returns
    -------
    DataFrame
        One row per layer and fraction with the 95% interval over seeds and widths; outputs is d.
    """
    rows = [
        {
            "layer": layer,
            "fraction": fraction,
            "time": float(part["time"].mean()),
            "claimed": CLAIMED_SLOPES[str(layer)],
            **power_of_width(part, "change", slope_widths),
        }
        for (layer, fraction), part in table.groupby(["layer", "fraction"])
    ]
    fitted = pd.DataFrame(rows).assign(outputs=outputs)
    return fitted.assign(width_over_outputs=fitted["width_max"] / outputs)


def local_slopes(table: pd.DataFrame, outputs: int) -> pd.DataFrame:
    """Fit the slope between neighbouring widths at the final time: its approach to the limit.

    Returns
    -------
    DataFrame
        Columns layer, outputs, width (geometric mean of the two), width_over_outputs, slope,
        low, high (95% over seeds), points, freedom.
    """
    final = table[table["fraction"] == 1.0]
    rows = []
    for below, above in pairwise(sorted(final["width"].unique())):
        centre = float(np.sqrt(below * above))
        place = {"outputs": outputs, "width": centre, "width_over_outputs": centre / outputs}
        for layer, part in final[final["width"].isin((below, above))].groupby("layer"):
            rows.append({"layer": layer, **place, **power(by_seed(part, "change")).as_slope()})
    return pd.DataFrame(rows)


def stability(records: pd.DataFrame, settings: WeightChange) -> pd.DataFrame:
    """Summarise how each width was trained: limit, steps, first and last loss.

    Returns
    -------
    DataFrame
        A row per width: the least stability limit 2/lambda_max on the way and the paper's learning
        rate, in Eq. 7's units; the mean number of gradients, and of the steps at that limit and of
        the paper's that take as long; training time, the seeds' mean reconstruction loss at both
        ends and KL at the end; the largest latent standard deviation on the way; loss_over_zero,
        the largest of the seeds' final reconstruction losses over that of answering zero, 1/2 for
        inputs of unit norm and otherwise not a number; and whether slopes are fitted to it.
    """
    paper_rate = eq7_learning_rate(
        settings.learning_rate, settings.inputs.outputs, settings.reduction
    )
    zero = 0.5 if settings.inputs.scaling == "unit-norm" else np.nan
    fitted = sorted(settings.widths)[-settings.slope_widths :]
    rows = []
    for width, part in records.groupby("width"):
        first, last = (part[part["step"] == edge] for edge in (0, part["step"].max()))
        limit = 2 / float(part["radius"].max())
        rows.append(
            {
                "width": width,
                "limit": limit,
                "paper_learning_rate": paper_rate,
                "gradients": float(part.groupby("seed")["gradients"].max().mean()),
                "limit_steps": float(part["time"].max()) / limit,
                "paper_steps": settings.steps,
                "time": float(part["time"].max()),
                "reconstruction_initial": float(first["reconstruction"].mean()),
                "reconstruction_final": float(last["reconstruction"].mean()),
                "kl_final": float(last["kl"].mean()),
                "latent_std_max": float(part["latent_std"].max()),
                "loss_over_zero": float(last["reconstruction"].max()) / zero,
                "fitted": width in fitted,
            }
        )
    return pd.DataFrame(rows)
