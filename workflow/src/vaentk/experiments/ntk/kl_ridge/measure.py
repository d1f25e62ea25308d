"""Theorem 2 on networks that were trained on Eq. 4: which ridge regression they meet (W3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.kl_ridge import KlCase, KlRidge
from vaentk.experiments.ntk.kl_ridge.regression import READINGS, KlRegression
from vaentk.experiments.ntk.trained import Outputs, by_width
from vaentk.statistics.intervals import geometric_mean
from vaentk.statistics.slopes import power_of_width

Array = NDArray[np.float64]

CLAIMED_SLOPE = -0.5
"""Exponent of the width in Theorem 2's error."""

CASE = ["sigma", "images", "beta"]
"""Columns that tell cases apart."""


def measure(
    settings: KlRidge, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure one run: every width against every reading of the ridge regression."""
    inputs = inputs_of(mnist.arrays, settings.inputs, settings.held_out)
    x, held_out = inputs["x"], inputs["x_held_out"]
    regression = KlRegression.of(settings.activation, settings.sigma0, x, held_out)
    table = pd.concat(
        errors(regression, settings.variants(), record, arrays)
        for _, record, arrays in by_width(records, outputs)
    )
    return {
        "errors": table,
        "slopes": slopes(table, settings.slope_widths),
        "summary": summary(table),
    }


def errors(
    regression: KlRegression,
    cases: Mapping[str, KlCase],
    records: pd.DataFrame,
    outputs: Outputs,
) -> pd.DataFrame:
    """Compare the trained networks of one width with every reading.

    Returns
    -------
    DataFrame
        One row per variant, seed, kind of images (training or held-out) and reading: error, the
        Frobenius distance of the trained network's outputs to the prediction over the norm of the
        prediction "KL"; late_change, how far these outputs went in the last half of the time,
        over their own norm; and loss_over_zero, the squared error on training images over that of
        answering zero.
    """
    samples = len(regression.x)
    parts = {"training": slice(samples), "held-out": slice(samples, None)}
    rows = []
    for (variant, seed), run in records.groupby(["variant", "seed"], sort=False):
        case = cases[str(variant)]
        halfway, end = (outputs[f"{variant}/{seed}/{step}"] for step in run["step"].iloc[-2:])
        left = np.square(end[:samples] - regression.x).sum() / np.square(regression.x).sum()
        predicted = {reading: regression.predict(reading, case.beta) for reading in READINGS}
        for images, part in parts.items():
            size = np.linalg.norm(predicted["KL"][part])
            late = np.linalg.norm((end - halfway)[part]) / np.linalg.norm(end[part])
            rows += [
                {
                    "width": run["width"].iloc[-1],
                    "seed": seed,
                    "beta": case.beta,
                    "sigma": case.sigma,
                    "images": images,
                    "reading": reading,
                    "error": np.linalg.norm((end - outputs_of)[part]) / size,
                    "late_change": late,
                    "loss_over_zero": left,
                }
                for reading, outputs_of in predicted.items()
            ]
    return pd.DataFrame(rows)


def slopes(table: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit a power of the width to the error, one row per case and reading."""
    keys = [*CASE, "reading"]
    rows = [
        dict(zip(keys, key, strict=True)) | power_of_width(part, "error", slope_widths)
        for key, part in table.groupby(keys, sort=False)
    ]
    return pd.DataFrame(rows).assign(claimed=CLAIMED_SLOPE)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds, one row per case, width and reading.

    Returns
    -------
    DataFrame
        error, a geometric mean, with its 95% interval; late_change, the largest over seeds; and
        nearest, the reading with the least mean error in this case at this width.
    """
    keys = [*CASE, "width"]
    rows = [
        dict(zip([*keys, "reading"], key, strict=True))
        | geometric_mean(part["error"]).columns("error")
        | {"late_change": part["late_change"].max()}
        for key, part in table.groupby([*keys, "reading"], sort=False)
    ]
    averaged = pd.DataFrame(rows)
    least = averaged.loc[averaged.groupby(keys)["error"].idxmin()]
    nearest = least.set_index(keys)["reading"].rename("nearest")
    return averaged.join(nearest, on=keys)
