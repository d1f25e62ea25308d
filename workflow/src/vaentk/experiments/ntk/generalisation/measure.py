"""Held-out error of networks and of their limit kernel by the number of images (X6)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.generalisation import Generalisation
from vaentk.experiments.ntk.generalisation.comparisons import AT, CLAIMED_SLOPE, compared
from vaentk.experiments.ntk.generalisation.images import nested_inputs
from vaentk.experiments.ntk.generalisation.prediction import KernelLearning, relative_error
from vaentk.experiments.ntk.trained import Outputs, by_width
from vaentk.statistics.intervals import geometric_mean, line_slope, mean
from vaentk.statistics.slopes import power_of_width


def measure(
    settings: Generalisation, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure one run: every network at every observed time against its limit kernel."""
    inputs, held_out = nested_inputs(mnist.arrays, settings)
    trained = list(by_width(records, outputs))
    of_kernels, of_members = [], []
    for name, case in settings.variants().items():  # one decomposition in memory at a time
        learning = KernelLearning.of(case.activation, case.sigma0, inputs[name], held_out)
        of_kernels.append(kernels(learning, settings))
        for _, record, arrays in trained:
            own = record[record["variant"] == name]
            of_members.append(members(learning, own, arrays))
    by_kernel = pd.concat(of_kernels, ignore_index=True)
    by_member = beside_kernels(pd.concat(of_members, ignore_index=True), by_kernel)
    return {
        "members": by_member,
        "kernels": by_kernel,
        "summary": summary(by_member, settings),
        "slopes": slopes(by_member, by_kernel, settings),
        "width_slopes": width_slopes(by_member, settings.slope_widths),
    }


def kernels(learning: KernelLearning, settings: Generalisation) -> pd.DataFrame:
    """Predict errors by the limit kernel of one number of images.

    Returns
    -------
    DataFrame
        A row per time, the last of which is infinity: kernel_error and kernel_training_error, over
        the error of answering zero; linear_error of linear regression and over_linear, the kernel's
        over it; lambda_0, lambda_max, and unsure, see `KernelLearning.unsure`.
    """
    linear = learning.linear_error()
    rows = [
        {
            "samples": len(learning.x),
            "time": time,
            "kernel_error": learning.error(time),
            "kernel_training_error": learning.training_error(time),
            "linear_error": linear,
            "over_linear": learning.error(time) / linear,
            "lambda_0": learning.values[0],
            "lambda_max": learning.values[-1],
            "unsure": learning.unsure() if np.isinf(time) else 0.0,
        }
        for time in (*settings.times, np.inf)
    ]
    return pd.DataFrame(rows)


def members(learning: KernelLearning, records: pd.DataFrame, outputs: Outputs) -> pd.DataFrame:
    """Compare the networks of one width and number of images with the limit kernel.

    Returns
    -------
    DataFrame
        One row per seed and time t > 0: error on held-out images, over that of answering zero;
        training_error and over_training, their ratio; and distance of held-out outputs to the
        kernel's, in the Frobenius norm, relative to the kernel's outputs.
    """
    samples = len(learning.x)
    later = records[records["time"] > 0]
    predicted = {time: learning.outputs(time) for time in later["time"].unique()}
    rows = []
    for row in later.to_dict("records"):
        answered = outputs[f"{row['variant']}/{row['seed']}/{row['step']}"].astype(float)
        answers, of_kernel = answered[samples:], predicted[row["time"]]
        error = relative_error(answers, learning.held_out)
        training_error = relative_error(answered[:samples], learning.x)
        rows.append(
            {
                "samples": samples,
                "width": row["width"],
                "seed": row["seed"],
                "time": row["time"],
                "gradients": row["gradients"],
                "error": error,
                "training_error": training_error,
                "over_training": error / training_error,
                "distance": np.linalg.norm(answers - of_kernel) / np.linalg.norm(of_kernel),
            }
        )
    return pd.DataFrame(rows)


def beside_kernels(table: pd.DataFrame, by_kernel: pd.DataFrame) -> pd.DataFrame:
    """Set the kernel's error beside every network's: kernel_error and over_kernel, the ratio."""
    errors = by_kernel.set_index(["samples", "time"])["kernel_error"]
    joined = table.join(errors, on=["samples", "time"])
    return joined.assign(over_kernel=joined["error"] / joined["kernel_error"])


def summary(table: pd.DataFrame, settings: Generalisation) -> pd.DataFrame:
    """Average over seeds, one row per comparison, number of images and width: geometric means."""
    rows = []
    for at in AT:
        chosen = compared(table, at, settings.horizon)
        for (samples, width), part in chosen.groupby(["samples", "width"]):
            row = {"at": at, "samples": samples, "width": width, "time": part["time"].iloc[0]}
            row |= geometric_mean(part["error"]).columns("error")
            row |= {"kernel_error": part["kernel_error"].iloc[0]}
            for column in ("distance", "over_kernel", "over_training"):
                row |= geometric_mean(part[column]).columns(column)
            rows.append(row)
    return pd.DataFrame(rows)


def slopes(table: pd.DataFrame, by_kernel: pd.DataFrame, settings: Generalisation) -> pd.DataFrame:
    """Fit powers of the number of images, one row per comparison, quantity and width.

    Returns
    -------
    DataFrame
        slope of error and of distance, the mean over seeds of each one's power, with its 95%
        interval; of error also kernel, the power of the kernel's error, and less_kernel, the slope
        less that one.
    """
    rows = []
    for at in AT:
        own = compared(by_kernel, at, settings.horizon)
        of_kernel = line_slope(np.log(own["samples"]), np.log(own["kernel_error"])).value
        for width, part in compared(table, at, settings.horizon).groupby("width"):
            for quantity in ("error", "distance"):
                powers = [
                    line_slope(np.log(seed["samples"]), np.log(seed[quantity])).value
                    for _, seed in part.groupby("seed")
                ]
                kernel = of_kernel if quantity == "error" else np.nan
                row = {"at": at, "quantity": quantity, "width": width, **mean(powers).as_slope()}
                less = mean(np.subtract(powers, kernel)).columns("less_kernel")
                rows.append(row | {"kernel": kernel} | less)
    return pd.DataFrame(rows)


def width_slopes(table: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit a power of the width to the distance, one row per number of images and time."""
    rows = [
        {"samples": samples, "time": time, "last": time == table["time"].max()}
        | power_of_width(part, "distance", slope_widths)
        for (samples, time), part in table.groupby(["samples", "time"])
    ]
    return pd.DataFrame(rows).assign(claimed=CLAIMED_SLOPE)
