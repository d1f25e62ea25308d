"""Theorem 1's measures of every variant of a run's network, which X1, X2 and X3 share."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.inputs import inputs_of, variant_inputs
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.linear_rate.measure import (
    DISTANCES,
    curves,
    empirical_residuals,
    late_rate,
    limit_kernel,
)
from vaentk.experiments.ntk.trained import by_width
from vaentk.kernels.flow import losses
from vaentk.statistics.intervals import geometric_mean

Array = NDArray[np.float64]


def measure_variants(
    settings: LinearRate, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Compare every variant, width and seed of a run with its kernels' predictions.

    Returns
    -------
    dict
        ``curves`` as `linear_rate.measure.curves` gives them, with a column variant; ``members``,
        one row per variant, width and seed: activation, samples, sigma0, train_sigma, lambda_0,
        lambda_max, the largest distances, late rates of the loss and of the kernels' flows, and the
        final loss over the first (loss_left) and over that of answering zero (loss_over_zero); and
        ``summary``, their means over seeds.
    """
    of_run = inputs_of(mnist.arrays, settings.inputs)
    cases = settings.variants()
    inputs = {
        name: variant_inputs(of_run, case.inputs, settings.inputs) for name, case in cases.items()
    }
    kernels = {name: limit_kernel(case, inputs[name]) for name, case in cases.items()}
    all_curves, members = [], []
    for _, of_width, arrays in by_width(records, outputs):
        for name, case in cases.items():
            x, kernel = inputs[name], kernels[name]
            own = partial(empirical_residuals, case, x)
            record = of_width[of_width["variant"] == name]
            curve = curves(record, arrays, x, kernel, own, variant=name)
            all_curves.append(curve.assign(variant=name))
            zero = float(losses(x[None])[0])
            members.append(_members(name, case, kernel, curve, zero))
    of_members = pd.concat(members, ignore_index=True)
    return {
        "curves": pd.concat(all_curves, ignore_index=True),
        "members": of_members,
        "summary": averaged(of_members),
    }


def _members(
    variant: str, case: LinearRate, kernel: Array, curve: pd.DataFrame, zero: float
) -> pd.DataFrame:
    """Summarise the curves of one variant and width, a row per seed; zero: loss of answering it."""
    values = np.linalg.eigvalsh(kernel)
    rows = [
        {
            "variant": variant,
            "activation": case.activation,
            "samples": len(kernel),
            "sigma0": case.sigma0,
            "train_sigma": case.train_sigma,
            "width": int(run["width"].iloc[0]),
            "seed": seed,
            "lambda_0": float(values[0]),
            "lambda_max": float(values[-1]),
            "meets_assumptions": ACTIVATIONS[case.activation].meets_assumptions,
            **{column: run[column].max() for column in DISTANCES},
            "rate": late_rate(run, "loss"),
            "rate_flow": late_rate(run, "flow_loss"),
            "loss_left": float(run["loss"].iloc[-1] / run["loss"].iloc[0]),
            "loss_over_zero": float(run["loss"].iloc[-1]) / zero,
        }
        for seed, run in curve.groupby("seed")
    ]
    return pd.DataFrame(rows)


def averaged(members: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds for the report's table, one row per variant and width.

    Distances and rates are geometric means.
    """
    keys = ["variant", "activation", "samples", "sigma0", "train_sigma", "width"]
    rows = []
    for key, part in members.groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        row |= {name: float(part[name].mean()) for name in ("lambda_0", "lambda_max", "loss_left")}
        for name in ("flow_distance", "empirical_distance", "rate"):
            row |= geometric_mean(part[name]).columns(name)
        rows.append(row | {"rate_flow": float(part["rate_flow"].mean())})
    return pd.DataFrame(rows)
