"""Theorem 1 on trained networks: the loss, its claimed bound, and two kernels' predictions (W2)."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.flow import (
    claimed_bound,
    gradient_descent,
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

LAYERS = ("mu", "sigma", "d")
"""Layers of Eq. 2's network, in the order of the tables."""

FLOW_TOLERANCE = 1e-6
"""Error of the flow of Theta(0), relative to ``|f(0) - X|_F``."""

Predict = Callable[[int, int, float, Array], Array]
"""Width, seed, learning rate and steps (T,) to the residuals on Theta(0), (T, n, d)."""


def measure(
    settings: LinearRate,
    *,
    mnist: Stored,
    records: Mapping[int, pd.DataFrame],
    outputs: Mapping[int, Stored],
) -> dict[str, pd.DataFrame]:
    """Measure one run: Theorem 1's bound and the kernels' predictions, on every width.

    Parameters
    ----------
    settings
        The run.
    mnist
        The data set.
    records, outputs
        What training left, by width.
    """
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    kernel = limit_kernel(settings, x)
    lambda_0 = least_eigenvalue(kernel)
    own = partial(empirical_residuals, settings, x)
    parts = []
    for width, record in records.items():
        arrays = outputs[width].arrays
        trained = {name.removeprefix("base/"): array for name, array in arrays.items()}
        parts.append(curves(record, trained, x, kernel, own))
    all_curves = pd.concat(parts)
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
    outputs: Mapping[str, Array],
    x: Array,
    kernel: Array,
    empirical: Predict,
) -> pd.DataFrame:
    """Set every recorded loss beside the bound and three kernel predictions, for one width.

    Parameters
    ----------
    records
        Columns width, seed, step, time, loss of one width.
    outputs
        ``f_hat(X)`` at recorded steps by ``"<seed>/<step>"``, (n, d).
    x
        Inputs and targets, (n, d).
    kernel
        The limit kernel K, (n, n), of the layers that are trained.
    empirical
        What the network's own kernel predicts, `empirical_residuals` with its first arguments.

    Returns
    -------
    DataFrame
        Columns width, seed, step, time, loss, bound, flow_loss, descent_loss, empirical_loss and
        flow_distance, descent_distance, empirical_distance: predictions of gradient flow on K, of
        gradient descent on K, and of gradient descent on Theta(0); a distance is Frobenius,
        relative to ``|f(0) - X|_F``.
    """
    lambda_0 = least_eigenvalue(kernel)
    parts = []
    for seed, run in records.groupby("seed"):
        steps, times = run["step"].to_numpy(), run["time"].to_numpy()
        width = int(run["width"].iloc[0])
        trained = np.stack([outputs[f"{seed}/{step}"] for step in steps]).astype(float) - x
        rate = times[-1] / steps[-1]
        predictions = {
            "flow": residuals(kernel, trained[0], gradient_flow(times, len(x))),
            "descent": residuals(kernel, trained[0], gradient_descent(rate, steps, len(x))),
            "empirical": empirical(width, int(str(seed)), rate, steps),
        }
        start = np.linalg.norm(trained[0])
        bound = claimed_bound(float(losses(trained[:1])[0]), lambda_0, len(x), times)
        curve = run[["width", "seed", "step", "time", "loss"]].assign(bound=bound)
        for name, predicted in predictions.items():
            curve[f"{name}_loss"] = losses(predicted)
            gap = np.linalg.norm(trained - predicted, axis=(1, 2))
            curve[f"{name}_distance"] = gap / start
        parts.append(curve)
    return pd.concat(parts, ignore_index=True)


def empirical_residuals(
    settings: LinearRate, x: Array, width: int, seed: int, learning_rate: float, steps: Array
) -> Array:
    """Predict ``f(t) - X`` of gradient descent on the network's own kernel Theta(0): (T, n, d)."""
    inputs = torch.from_numpy(x)
    smoothing = Smoothing(ACTIVATIONS[settings.activation], settings.sigma0)
    model = StochasticNetwork(inputs, width, settings.sigma0, smoothing)
    weights = model.initial_weights((seed,))
    start = model.forward(weights).outputs[0] - inputs
    member = {name: weight[0] for name, weight in weights.items()}
    kernel = TangentKernel.of(member, inputs, smoothing, parts=settings.trained)
    filter_ = gradient_descent(learning_rate, steps, len(x))
    return np.asarray(implicit_residuals(kernel, start, filter_, FLOW_TOLERANCE))


def summary(all_curves: pd.DataFrame, lambda_0: float, samples: int) -> pd.DataFrame:
    """Summarise the curves by width: the bound's margin, distances and late rates.

    Parameters
    ----------
    all_curves
        Curves of every width, with a column width.
    lambda_0
        Least eigenvalue of K.
    samples
        n.

    Returns
    -------
    DataFrame
        A row a width. ``margin`` is the largest ``log(loss / bound)`` over seeds and times t > 0,
        in nats: the bound is crossed where it is positive. Distances are the largest over times,
        mean over seeds with a 95% interval. Rates are fitted to log loss over the last half of
        the run; ``rate_claimed`` is lambda_0/n, ``rate_tight`` 2 lambda_0/n.
    """
    rows = []
    for width, curve in all_curves.groupby("width"):
        later = curve[curve["time"] > 0]
        later = later.assign(margin=np.log(later["loss"] / later["bound"]))
        worst = later.iloc[later["margin"].argmax()]
        last = curve[curve["time"] == curve["time"].max()]
        steps = curve.groupby("seed")["step"].max()
        row = {
            "width": width,
            "lambda_0": lambda_0,
            "learning_rate": float(curve["time"].max() / steps.max()),
            "steps": int(steps.max()),
            "margin": float(worst["margin"]),
            "margin_time": float(worst["time"]),
        }
        for column in ("flow_distance", "descent_distance", "empirical_distance"):
            largest = mean(curve.groupby("seed")[column].max())
            row |= {column: largest.value, f"{column}_low": largest.low}
            row |= {f"{column}_high": largest.high}
        rate = mean([late_rate(run, "loss") for _, run in curve.groupby("seed")])
        rows.append(
            row
            | {"rate": rate.value, "rate_low": rate.low, "rate_high": rate.high}
            | {
                "rate_flow": float(
                    np.mean([late_rate(run, "flow_loss") for _, run in curve.groupby("seed")])
                ),
                "rate_claimed": lambda_0 / samples,
                "rate_tight": 2 * lambda_0 / samples,
                "loss_final": float(last["loss"].mean()),
                "bound_final": float(last["bound"].mean()),
            }
        )
    return pd.DataFrame(rows)


def members(
    all_curves: pd.DataFrame, final: pd.DataFrame, lambda_0: float, x: Array
) -> pd.DataFrame:
    """Collect what is compared across widths, one row a width and seed.

    Parameters
    ----------
    all_curves
        Curves of every width, with a column width.
    final
        Last record of every member: width, seed, row_<layer> of the trained layers.
    lambda_0
        Least eigenvalue of K.
    x
        Inputs, (n, d).

    Returns
    -------
    DataFrame
        Largest distances over times, largest row displacements per layer, Lemma 4's bound on
        them, ``|X - f(0)|_F sqrt(n) d / (sqrt(m) lambda_0)`` (Eq. 17, the same for every layer),
        and each layer's displacement over it.
    """
    groups = all_curves.groupby(["width", "seed"])
    table = groups[["flow_distance", "descent_distance", "empirical_distance"]].max()
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
    """Fit powers of the width to the distances and to Lemma 4's largest row displacements.

    Parameters
    ----------
    table
        What `members` returns.
    slope_widths
        How many of the largest widths are used.
    """
    largest = of_largest_widths(table, slope_widths)
    distances = ["descent_distance", "empirical_distance", "flow_distance"]
    displacements = [f"row_{layer}" for layer in LAYERS if f"row_{layer}" in table]
    rows = [
        {"quantity": quantity, "claimed": CLAIMED_SLOPE} | power_of_width(largest, quantity)
        for quantity in (*distances, *displacements)
    ]
    return pd.DataFrame(rows)


def late_rate(run: pd.DataFrame, column: str) -> float:
    """Return the exponential rate of a loss over the last half of the run."""
    late = run[run["time"] >= run["time"].max() / 2]
    return -line_slope(late["time"], np.log(late[column])).value
