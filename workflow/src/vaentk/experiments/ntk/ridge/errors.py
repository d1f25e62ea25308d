"""Distance of trained networks to the three ridges, and to the linearised flow on their way."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.experiments.ntk.ridge import PenalisedMean
from vaentk.experiments.ntk.ridge.regression import RIDGES, KernelRegression
from vaentk.kernels.flow import coefficients, gradient_descent
from vaentk.statistics.intervals import mean
from vaentk.statistics.slopes import of_largest_widths, power_of_width

Array = NDArray[np.float64]

CLAIMED_SLOPE = -0.5
"""Exponent of the width in Theorem 2's error."""


def trained_networks(
    cases: Mapping[str, PenalisedMean], records: pd.DataFrame, outputs: Mapping[str, Array]
) -> Iterator[tuple[PenalisedMean, pd.DataFrame, Array]]:
    """Give every network of one width: its case, its records, and its outputs at each of them.

    Outputs are (T, n + n', d) float64, on training and then held-out inputs; cases, records and
    outputs as `errors` takes them.
    """
    for (variant, seed), run in records.groupby(["variant", "seed"], sort=False):
        followed = np.stack([outputs[f"{variant}/{seed}/{step}"] for step in run["step"]])
        yield cases[str(variant)], run, followed.astype(float)


def errors(
    regression: KernelRegression,
    cases: Mapping[str, PenalisedMean],
    records: pd.DataFrame,
    outputs: Mapping[str, Array],
) -> pd.DataFrame:
    """Compare the trained network of one width with ridge regression on held-out inputs.

    Parameters
    ----------
    regression
        Inputs and kernels.
    cases
        What was trained, by variant.
    records
        Observations of one width: variant, width, seed, step, change_mu, row_mu.
    outputs
        Outputs on training and held-out inputs by ``"<variant>/<seed>/<step>"``.

    Returns
    -------
    DataFrame
        A row a variant, seed, ridge and with_initial (whether f_0 is in the prediction): error,
        the Frobenius distance to the trained network's held-out outputs over the norm of the
        prediction by ``n beta`` with f_0; and error_worst, the largest distance of a held-out
        input, with initial_worst ``max |f_0(x)|``.
    """
    samples = len(regression.x)
    rows = []
    for case, run, followed in trained_networks(cases, records, outputs):
        before, after = followed[0], followed[-1, samples:]
        reference = regression.predict(regression.ridge("n beta", case.beta), before)
        for reading in RIDGES:
            ridge = regression.ridge(reading, case.beta)
            for with_initial in (True, False):
                predicted = regression.predict(ridge, before if with_initial else None)
                gap = after - predicted
                rows.append(
                    {
                        "width": int(run["width"].iloc[0]),
                        "seed": int(run["seed"].iloc[0]),
                        "beta": case.beta,
                        "initial": case.initial,
                        "reading": reading,
                        "ridge": ridge,
                        "with_initial": with_initial,
                        "error": np.linalg.norm(gap) / np.linalg.norm(reference),
                        "error_worst": np.linalg.norm(gap, axis=1).max(),
                        "initial_worst": np.linalg.norm(before[samples:], axis=1).max(),
                        "change_mu": float(run["change_mu"].iloc[-1]),
                        "kl_ratio": float(run["kl_ratio"].iloc[-1]),
                    }
                )
    return pd.DataFrame(rows)


def path(
    regression: KernelRegression,
    cases: Mapping[str, PenalisedMean],
    records: pd.DataFrame,
    outputs: Mapping[str, Array],
) -> pd.DataFrame:
    """Follow held-out outputs along training beside the linearised flow on Eq. 12, for one width.

    Returns
    -------
    DataFrame
        Columns width, seed, beta, initial, step, time, distance: Frobenius, to gradient descent on
        K_mu at the same steps with f_0 in it, relative to ``|f_0|`` at the start or to the held-out
        inputs, whichever is larger; and moved, how far the outputs have gone from f_0 by the same
        yardstick.
    """
    samples = len(regression.x)
    parts = []
    for case, run, followed in trained_networks(cases, records, outputs):
        steps, times = run["step"].to_numpy(), run["time"].to_numpy()
        start = followed[0]
        rate = times[-1] / steps[-1]
        filter_ = gradient_descent(rate, steps, samples, case.beta)
        alpha = coefficients(regression.train_train, start[:samples] - regression.x, filter_)
        predicted = start[samples:] - regression.test_train @ alpha
        scale = max(np.linalg.norm(start[samples:]), np.linalg.norm(regression.held_out))
        distance = np.linalg.norm(followed[:, samples:] - predicted, axis=(1, 2)) / scale
        moved = np.linalg.norm(followed[:, samples:] - start[samples:], axis=(1, 2)) / scale
        part = run[["width", "seed", "step", "time"]].assign(beta=case.beta, initial=case.initial)
        parts.append(part.assign(distance=distance, moved=moved))
    return pd.concat(parts, ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Average the errors over seeds, a row a width, beta, initialisation, reading and with_initial.

    Returns
    -------
    DataFrame
        error with its 95% interval; error_without, that of the same reading without f_0,
        and the ratio over_without; and nearest: the reading with the least mean error among those
        with the same with_initial.
    """
    keys = ["initial", "with_initial", "beta", "width", "reading"]
    rows = []
    for key, part in table.groupby(keys, sort=False):
        estimate = mean(part["error"])
        named = dict(zip(keys, key, strict=True))
        low, high = max(estimate.low, 0.0), estimate.high
        rows.append(named | {"error": estimate.value, "error_low": low, "error_high": high})
    averaged = pd.DataFrame(rows)
    without = averaged[~averaged["with_initial"]].set_index(["initial", "beta", "width", "reading"])
    averaged = averaged.join(
        without["error"].rename("error_without"), on=["initial", "beta", "width", "reading"]
    )
    averaged["over_without"] = averaged["error"] / averaged["error_without"]
    least = averaged.loc[averaged.groupby(keys[:-1])["error"].idxmin()]
    nearest = least.set_index(keys[:-1])["reading"].rename("nearest")
    return averaged.join(nearest, on=keys[:-1])


def slopes(table: pd.DataFrame, paths: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width to the errors, and to the largest distance along the path.

    Parameters
    ----------
    table, paths
        What `errors` and `path` return, of all widths.
    slope_widths
        How many of the largest widths are used.
    """
    rows = []
    keys = ["initial", "with_initial", "beta", "reading"]
    for key, part in of_largest_widths(table, slope_widths).groupby(keys, sort=False):
        case = dict(zip(keys, key, strict=True))
        rows.append({"quantity": "error"} | case | power_of_width(part, "error"))
    members = ["initial", "beta", "width", "seed"]
    farthest = of_largest_widths(
        paths.groupby(members)["distance"].max().reset_index(), slope_widths
    )
    for (initial, beta), part in farthest.groupby(["initial", "beta"]):
        case = {"initial": initial, "with_initial": True, "beta": beta, "reading": "n beta"}
        rows.append({"quantity": "path"} | case | power_of_width(part, "distance"))
    fitted = pd.DataFrame(rows).assign(claimed=CLAIMED_SLOPE)
    columns = ["slope", "low", "high", "points", "claimed", "width_min", "width_max"]
    return fitted[["quantity", *keys, *columns]]
