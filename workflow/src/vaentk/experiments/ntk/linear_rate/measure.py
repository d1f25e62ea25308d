"""Theorem 1 on trained networks: the loss, its claimed bound, and two kernels' predictions (W2)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.trained import Outputs, by_width
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.flow import (
    Filter,
    claimed_bound,
    gradient_flow,
    implicit_residuals,
    losses,
    residuals,
)
from vaentk.kernels.limit import least_eigenvalue, limit_kernels
from vaentk.models.snn import StochasticNetwork
from vaentk.statistics.intervals import line_slope, mean
from vaentk.statistics.slopes import of_largest_widths, power_of_width

Array = NDArray[np.float64]

CLAIMED_SLOPE = -0.5
"""Exponent of the width in Lemma 4, and of the distance to a kernel's prediction."""

DISTANCES = ("flow_distance", "empirical_distance")
"""To gradient flow on K and on Theta(0)."""

LAYERS = ("mu", "sigma", "d")
"""Layers of Eq. 2's network, in the order of the tables."""

FLOW_TOLERANCE = 1e-5
"""Error of the flow of Theta(0), relative to ``|f(0) - X|_F``."""

Predict = Callable[[int, int, Filter], Array]
"""Width, seed and flow at T times to the residuals on Theta(0), (T, n, d)."""


def measure(
    settings: LinearRate, *, mnist: Stored, records: Tables, outputs: Mapping[Any, Stored]
) -> dict[str, pd.DataFrame]:
    """Measure one run: Theorem 1's bound and the kernels' predictions, on every width."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    kernel = limit_kernel(settings, x)
    lambda_0 = least_eigenvalue(kernel)
    own = partial(empirical_residuals, settings, x)
    all_curves = pd.concat(
        curves(record, arrays, x, kernel, own) for _, record, arrays in by_width(records, outputs)
    )
    final = pd.concat(records.values()).groupby(["width", "seed"], as_index=False).last()
    by_member = members(all_curves, final, lambda_0, x)
    return {
        "curves": all_curves,
        "summary": summary(all_curves, lambda_0, len(x)),
        "members": by_member,
        "slopes": slopes(by_member, settings.slope_widths),
    }


def limit_kernel(case: LinearRate, x: Array) -> Array:
    """Return the limit kernel of the layers that a case trains, (n, n)."""
    parts = limit_kernels(ACTIVATIONS[case.activation], case.sigma0, x)
    kernel: Array = sum(getattr(parts, name) for name in case.trained)
    return kernel


def curves(
    records: pd.DataFrame,
    outputs: Outputs,
    x: Array,
    kernel: Array,
    empirical: Predict,
    variant: str = "base",
) -> pd.DataFrame:
    """Set every recorded loss beside the bound and two kernel flows, for one width.

    Parameters
    ----------
    records
        Columns width, seed, step, time, loss, gradients of one width.
    outputs
        ``f_hat(X)`` at the recorded moments.
    x, kernel
        Inputs and targets, (n, d), and the limit kernel K of the layers that are trained, (n, n).
    empirical
        What the network's own kernel predicts, `empirical_residuals` with its first arguments.

    Returns
    -------
    DataFrame
        Columns width, seed, time, gradients, loss, bound, flow_loss, empirical_loss and
        flow_distance, empirical_distance: of gradient flow on K and on Theta(0); a distance is
        Frobenius, relative to ``|f(0) - X|_F``.
    """
    lambda_0 = least_eigenvalue(kernel)
    parts = []
    for seed, run in records.groupby("seed"):
        steps, times = run["step"].to_numpy(), run["time"].to_numpy()
        width = int(run["width"].iloc[0])
        recorded = np.stack([outputs[f"{variant}/{seed}/{step}"] for step in steps])
        trained = recorded.astype(float) - x
        flow = gradient_flow(times, len(x))
        predictions = {
            "flow": residuals(kernel, trained[0], flow),
            "empirical": empirical(width, int(str(seed)), flow),
        }
        start = np.linalg.norm(trained[0])
        bound = claimed_bound(float(losses(trained[:1])[0]), lambda_0, len(x), times)
        curve = run[["width", "seed", "time", "gradients", "loss"]].assign(bound=bound)
        for name, predicted in predictions.items():
            curve[f"{name}_loss"] = losses(predicted)
            curve[f"{name}_distance"] = np.linalg.norm(trained - predicted, axis=(1, 2)) / start
        parts.append(curve)
    return pd.concat(parts, ignore_index=True)


def empirical_residuals(
    settings: LinearRate, x: Array, width: int, seed: int, flow: Filter
) -> Array:
    """Predict ``f(t) - X`` of gradient flow on the network's own kernel Theta(0): (T, n, d)."""
    inputs = torch.from_numpy(x)
    smoothing = Smoothing(ACTIVATIONS[settings.activation], settings.sigma0)
    model = StochasticNetwork(inputs, width, settings.sigma0, smoothing)
    weights = model.initial_weights((seed,))
    start = model.forward(weights).outputs[0] - inputs
    member = {name: weight[0] for name, weight in weights.items()}
    kernel = TangentKernel.of(member, inputs, smoothing, parts=settings.trained)
    return np.asarray(implicit_residuals(kernel, start, flow, FLOW_TOLERANCE))


def summary(all_curves: pd.DataFrame, lambda_0: float, samples: int) -> pd.DataFrame:
    """Summarise the curves by width: the bound's margin, distances and late rates.

    Returns
    -------
    DataFrame
        A row a width. ``margin`` is the largest ``log(loss / bound)`` over seeds and times t > 0,
        in nats: the bound is crossed where it is positive. Distances are the largest over times,
        mean over seeds with a 95% interval, and the mean of the times of these. Rates are fitted
        to log loss over the last half of the run; ``rate_claimed`` is lambda_0/n, ``rate_tight``
        2 lambda_0/n.
    """
    rows = []
    for width, curve in all_curves.groupby("width"):
        later = curve[curve["time"] > 0]
        later = later.assign(margin=np.log(later["loss"] / later["bound"]))
        worst = later.iloc[later["margin"].argmax()]
        last = curve[curve["time"] == curve["time"].max()]
        row = {
            "width": width,
            "lambda_0": lambda_0,
            "time": float(curve["time"].max()),
            "gradients": float(curve.groupby("seed")["gradients"].max().mean()),
            "margin": float(worst["margin"]),
            "margin_time": float(worst["time"]),
        }
        runs = [run for _, run in curve.groupby("seed")]
        for column in DISTANCES:
            row |= mean([run[column].max() for run in runs]).columns(column)
            peaks = [run["time"].to_numpy()[run[column].argmax()] for run in runs]
            row[f"{column}_time"] = float(np.mean(peaks))
        row |= mean([late_rate(run, "loss") for run in runs]).columns("rate")
        row |= {
            "rate_flow": float(np.mean([late_rate(run, "flow_loss") for run in runs])),
            "rate_claimed": lambda_0 / samples,
            "rate_tight": 2 * lambda_0 / samples,
            "loss_final": float(last["loss"].mean()),
            "bound_final": float(last["bound"].mean()),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def members(
    all_curves: pd.DataFrame, final: pd.DataFrame, lambda_0: float, x: Array
) -> pd.DataFrame:
    """Collect what is compared across widths, one row a width and seed.

    ``final`` is the last record of every member: width, seed, row_<layer> of the trained layers.

    Returns
    -------
    DataFrame
        Largest distances over times, largest row displacements per layer, Lemma 4's bound on
        them, ``|X - f(0)|_F sqrt(n) d / (sqrt(m) lambda_0)`` (Eq. 17, the same for every layer),
        and each layer's displacement over it.
    """
    groups = all_curves.groupby(["width", "seed"])
    table = groups[[*DISTANCES]].max()
    samples, outputs = x.shape
    start = np.sqrt(2 * samples * groups["loss"].first())
    widths = table.index.get_level_values("width").to_numpy()
    bound = start * np.sqrt(samples) * outputs / (np.sqrt(widths) * lambda_0)
    moved = [layer for layer in LAYERS if f"row_{layer}" in final]
    rows = final[["width", "seed", *(f"row_{layer}" for layer in moved)]]
    table = table.assign(lemma4_bound=bound).reset_index().merge(rows, on=["width", "seed"])
    for layer in moved:
        table[f"over_bound_{layer}"] = table[f"row_{layer}"] / table["lemma4_bound"]
    return table


def slopes(table: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width to the distances and displacements of `members`."""
    largest = of_largest_widths(table, slope_widths)
    displacements = [f"row_{layer}" for layer in LAYERS if f"row_{layer}" in table]
    rows = [
        {"quantity": quantity, "claimed": CLAIMED_SLOPE} | power_of_width(largest, quantity)
        for quantity in (*DISTANCES, *displacements)
    ]
    return pd.DataFrame(rows)


def late_rate(run: pd.DataFrame, column: str) -> float:
    """Return the exponential rate of a loss over the last half of the run."""
    late = run[run["time"] >= run["time"].max() / 2]
    return -line_slope(late["time"], np.log(late[column])).value
