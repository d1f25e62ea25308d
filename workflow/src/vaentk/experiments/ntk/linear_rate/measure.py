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
from vaentk.statistics.intervals import geometric_mean, line_slope
from vaentk.statistics.slopes import power_of_width

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
        "summary": summary(by_member, lambda_0, x),
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


def members(
    all_curves: pd.DataFrame, final: pd.DataFrame, lambda_0: float, x: Array
) -> pd.DataFrame:
    """Collect what is compared across widths, one row a width and seed.

    ``final`` is the last record of every member: width, seed, row_<layer> of the trained layers.

    Returns
    -------
    DataFrame
        ``horizon``, the time in n/lambda_0. ``margin``, the largest ``log(loss / bound)`` over
        times t > 0, in nats, and its time: the bound is crossed where it is positive, and first at
        ``crossing``, in n/lambda_0; ``residual_margin``, the same of ``|f - X|_F`` over
        ``exp(-(lambda_0/n) t)`` times its start. Largest distances over times, and their times.
        Rates fitted to log loss over the last half of the run, of the network and of the flow on K,
        over ``rate_claimed``, lambda_0/n, ``rate_tight``, 2 lambda_0/n, and the flow's. Final loss,
        over the bound and over that of answering zero. Largest row displacements per layer,
        Lemma 4's bound on them, ``|X - f(0)|_F sqrt(n) d / (sqrt(m) lambda_0)`` (Eq. 17, the same
        for every layer), and each layer's displacement over it; ``row_over_radius``, the largest
        of the displacements over Lemma 3's radius ``lambda_0 / (n sqrt(d))``.
    """
    samples, outputs = x.shape
    unit = samples / lambda_0
    zero = float(losses(x[None])[0])
    rows = []
    for key, run in all_curves.groupby(["width", "seed"]):
        width, seed = (int(str(part)) for part in key)
        later = run[run["time"] > 0]
        times = later["time"].to_numpy()
        margins = np.log((later["loss"] / later["bound"]).to_numpy())
        crossed = times[margins > 0]
        left = np.log((later["loss"] / run["loss"].iloc[0]).to_numpy()) / 2
        loss, bound = float(run["loss"].iloc[-1]), float(run["bound"].iloc[-1])
        rate, flow_rate = late_rate(run, "loss"), late_rate(run, "flow_loss")
        start = np.sqrt(2 * samples * float(run["loss"].iloc[0]))
        row = {
            "width": width,
            "seed": seed,
            "gradients": int(run["gradients"].max()),
            "horizon": float(run["time"].max()) / unit,
            "margin": float(margins.max()),
            "margin_time": float(times[margins.argmax()]),
            "crossing": float(crossed[0]) / unit if len(crossed) else np.nan,
            "residual_margin": float((left + times / unit).max()),
        }
        for column in DISTANCES:
            farthest = run.iloc[run[column].argmax()]
            row |= {column: farthest[column], f"{column}_time": farthest["time"]}
        row |= {
            "rate": rate,
            "rate_flow": flow_rate,
            "rate_over_claimed": rate * unit,
            "rate_over_tight": rate * unit / 2,
            "rate_over_flow": rate / flow_rate,
            "loss_final": loss,
            "bound_final": bound,
            "loss_over_bound": loss / bound,
            "loss_over_zero": loss / zero,
            "lemma4_bound": start * np.sqrt(samples) * outputs / (np.sqrt(width) * lambda_0),
        }
        rows.append(row)
    moved = [layer for layer in LAYERS if f"row_{layer}" in final]
    displacements = final[["width", "seed", *(f"row_{layer}" for layer in moved)]]
    table = pd.DataFrame(rows).merge(displacements, on=["width", "seed"])
    for layer in moved:
        table[f"over_bound_{layer}"] = table[f"row_{layer}"] / table["lemma4_bound"]
    farthest = table[[f"row_{layer}" for layer in moved]].max(axis=1)
    return table.assign(row_over_radius=farthest * samples * np.sqrt(outputs) / lambda_0)


def summary(by_member: pd.DataFrame, lambda_0: float, x: Array) -> pd.DataFrame:
    """Summarise `members` by width: geometric means over seeds, with 95% intervals.

    Returns
    -------
    DataFrame
        One row per width; ``margin`` is the largest of the seeds', ``crossing`` the first.
        ``width_printed`` is the width that Theorem 1 asks for, ``n^5 d^3 / lambda_0^4`` with
        constant 1; ``width_derived`` that at which Lemma 4's bound is Lemma 3's radius,
        ``|X - f(0)|_F^2 n^3 d^3 / lambda_0^4``.
    """
    samples, outputs = x.shape
    radius = lambda_0 / (samples * np.sqrt(outputs))
    rows = []
    for width, part in by_member.groupby("width"):
        worst = part.iloc[part["margin"].argmax()]
        row = {
            "width": width,
            "lambda_0": lambda_0,
            "gradients": float(part["gradients"].mean()),
            "horizon": float(part["horizon"].mean()),
            "margin": float(worst["margin"]),
            "margin_time": float(worst["margin_time"]),
            "crossing": float(part["crossing"].min()),
        }
        for column in DISTANCES:
            row |= geometric_mean(part[column]).columns(column)
            row[f"{column}_time"] = float(part[f"{column}_time"].mean())
        row |= geometric_mean(part["rate"]).columns("rate")
        row |= {
            "rate_flow": float(part["rate_flow"].mean()),
            "rate_claimed": lambda_0 / samples,
            "rate_tight": 2 * lambda_0 / samples,
            "loss_final": float(part["loss_final"].mean()),
            "bound_final": float(part["bound_final"].mean()),
            "width_printed": float(samples) ** 5 * float(outputs) ** 3 / lambda_0**4,
            "width_derived": float(part["width"].iloc[0])
            * float((part["lemma4_bound"] / radius).mean()) ** 2,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def slopes(table: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width to the distances, displacements and final losses of `members`."""
    displacements = [f"row_{layer}" for layer in LAYERS if f"row_{layer}" in table]
    claimed = dict.fromkeys((*DISTANCES, *displacements), CLAIMED_SLOPE) | {"loss_final": np.nan}
    rows = [
        {"quantity": quantity, "claimed": power} | power_of_width(table, quantity, slope_widths)
        for quantity, power in claimed.items()
    ]
    return pd.DataFrame(rows)


def late_rate(run: pd.DataFrame, column: str) -> float:
    """Return the exponential rate of a loss over the last half of the run."""
    late = run[run["time"] >= run["time"].max() / 2]
    return -line_slope(late["time"], np.log(late[column])).value
