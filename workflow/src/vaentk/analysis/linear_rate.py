"""Theorem 1 on trained networks: the loss, its claimed bound, and the limit kernel's prediction."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.analysis.intervals import line_slope, mean, power_law_slope
from vaentk.kernels.flow import claimed_bound, descent_residuals, flow_residuals, losses
from vaentk.kernels.limit import least_eigenvalue

Array = NDArray[np.float64]

CLAIMED_SLOPE = -0.5
"""Exponent of the width in Lemma 4, and of the distance to the kernel limit."""


def curves(
    records: pd.DataFrame, outputs: Mapping[str, Array], x: Array, kernel: Array
) -> pd.DataFrame:
    """Set every recorded loss beside the bound and both kernel predictions, for one width.

    Parameters
    ----------
    records
        Columns seed, step, time, loss of one width.
    outputs
        ``f_hat(X)`` at recorded steps by ``"<seed>/<step>"``, (n, d).
    x
        Inputs and targets, (n, d).
    kernel
        The limit kernel K, (n, n).

    Returns
    -------
    DataFrame
        Columns seed, step, time, loss, bound, flow_loss, descent_loss, flow_distance,
        descent_distance: predictions of gradient flow and of gradient descent on K, and the
        distance of the trained outputs from them, Frobenius, relative to ``|f(0) - X|_F``.
    """
    lambda_0 = least_eigenvalue(kernel)
    parts = []
    for seed, run in records.groupby("seed"):
        steps, times = run["step"].to_numpy(), run["time"].to_numpy()
        trained = np.stack([outputs[f"{seed}/{step}"] for step in steps]).astype(float) - x
        rate = times[-1] / steps[-1]
        flow = flow_residuals(kernel, trained[0], times)
        descent = descent_residuals(kernel, trained[0], rate, steps)
        start = np.linalg.norm(trained[0])
        parts.append(
            run[["seed", "step", "time", "loss"]].assign(
                bound=claimed_bound(float(losses(trained[:1])[0]), lambda_0, len(x), times),
                flow_loss=losses(flow),
                descent_loss=losses(descent),
                flow_distance=np.linalg.norm(trained - flow, axis=(1, 2)) / start,
                descent_distance=np.linalg.norm(trained - descent, axis=(1, 2)) / start,
            )
        )
    return pd.concat(parts, ignore_index=True)


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
        for column in ("flow_distance", "descent_distance"):
            largest = mean(curve.groupby("seed")[column].max())
            row |= {column: largest.value, f"{column}_low": largest.low}
            row |= {f"{column}_high": largest.high}
        rate = mean([_late_rate(run, "loss") for _, run in curve.groupby("seed")])
        rows.append(
            row
            | {"rate": rate.value, "rate_low": rate.low, "rate_high": rate.high}
            | {
                "rate_flow": float(
                    np.mean([_late_rate(run, "flow_loss") for _, run in curve.groupby("seed")])
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
        Last record of every member: width, seed, row_mu, row_sigma, row_d.
    lambda_0
        Least eigenvalue of K.
    x
        Inputs, (n, d).

    Returns
    -------
    DataFrame
        Largest distances over times, largest row displacements per layer, and Lemma 4's bound on
        them, ``|X - f(0)|_F sqrt(n) d / (sqrt(m) lambda_0)`` (Eq. 17).
    """
    groups = all_curves.groupby(["width", "seed"])
    table = groups[["flow_distance", "descent_distance"]].max()
    samples, outputs = x.shape
    start = np.sqrt(2 * samples * groups["loss"].first())
    widths = table.index.get_level_values("width").to_numpy()
    bound = start * np.sqrt(samples) * outputs / (np.sqrt(widths) * lambda_0)
    rows = final[["width", "seed", "row_mu", "row_sigma", "row_d"]]
    return table.assign(lemma4_bound=bound).reset_index().merge(rows, on=["width", "seed"])


def slopes(table: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width to the distances and to Lemma 4's largest row displacements.

    Parameters
    ----------
    table
        What `members` returns.
    slope_widths
        How many of the largest widths are used.
    """
    kept = sorted(table["width"].unique())[-slope_widths:]
    table = table[table["width"].isin(kept)]
    rows = []
    for quantity in ("flow_distance", "descent_distance", "row_mu", "row_sigma", "row_d"):
        fit = power_law_slope(table["width"], table[quantity])
        rows.append(
            {
                "quantity": quantity,
                "claimed": CLAIMED_SLOPE,
                **fit.as_slope(),
                "width_min": kept[0],
                "width_max": kept[-1],
            }
        )
    return pd.DataFrame(rows)


def _late_rate(run: pd.DataFrame, column: str) -> float:
    """Return the exponential rate of a loss over the last half of the run."""
    late = run[run["time"] >= run["time"].max() / 2]
    return -line_slope(late["time"], np.log(late[column])).value
