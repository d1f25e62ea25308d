"""Distance of trained networks to the three ridges, and to the linearised flow on their way."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.experiments.ntk.ridge import PenalisedMean
from vaentk.experiments.ntk.ridge.regression import RIDGES, KernelRegression
from vaentk.experiments.ntk.trained import Outputs
from vaentk.kernels.flow import coefficients, gradient_flow
from vaentk.statistics.intervals import geometric_mean
from vaentk.statistics.slopes import power_of_width

Array = NDArray[np.float64]

CLAIMED_SLOPE = -0.5
"""Exponent of the width in Theorem 2's error."""


Network = tuple[PenalisedMean, pd.DataFrame, Array]
"""A trained network: its case, its records, and its outputs at each of them on training and then
held-out inputs, (T, n + n', d) float64."""


def trained_networks(
    cases: Mapping[str, PenalisedMean], records: pd.DataFrame, outputs: Outputs
) -> list[Network]:
    """Collect the networks of one width."""
    networks = []
    for (variant, seed), run in records.groupby(["variant", "seed"], sort=False):
        followed = np.stack([outputs[f"{variant}/{seed}/{step}"] for step in run["step"]])
        networks.append((cases[str(variant)], run, followed.astype(float)))
    return networks


def errors(regression: KernelRegression, networks: Sequence[Network]) -> pd.DataFrame:
    """Compare the trained networks of one width with ridge regression on held-out inputs.

    Returns
    -------
    DataFrame
        One row per variant, seed, ridge and with_initial (whether f_0 is in the prediction): error,
        the Frobenius distance to the trained network's held-out outputs over the norm of the
        prediction by ``n beta`` with f_0; over_without, that over the error of the same reading
        without f_0; error_worst, the largest distance of a held-out
        input, with initial_worst ``max |f_0(x)|``; and loss_over_zero, the squared error on
        training inputs over that of answering zero.
    """
    samples = len(regression.x)
    rows = []
    for case, run, followed in networks:
        before, after, last = followed[0], followed[-1], run.iloc[-1]
        reference = regression.predict(regression.ridge("n beta", case.beta), before)
        left = np.square(after[:samples] - regression.x).sum() / np.square(regression.x).sum()
        for reading, with_initial in product(RIDGES, (True, False)):
            ridge = regression.ridge(reading, case.beta)
            gap = after[samples:] - regression.predict(ridge, before if with_initial else None)
            rows.append(
                {
                    "width": last["width"],
                    "seed": last["seed"],
                    "beta": case.beta,
                    "initial": case.initial,
                    "reading": reading,
                    "ridge": ridge,
                    "with_initial": with_initial,
                    "error": np.linalg.norm(gap) / np.linalg.norm(reference),
                    "error_worst": np.linalg.norm(gap, axis=1).max(),
                    "initial_worst": np.linalg.norm(before[samples:], axis=1).max(),
                    "loss_over_zero": left,
                    "change_mu": last["change_mu"],
                    "kl_ratio": last["kl_ratio"],
                }
            )
    table = pd.DataFrame(rows)
    same = ["width", "seed", "beta", "initial", "reading"]
    without = table[~table["with_initial"]].set_index(same)["error"].rename("without")
    return table.assign(over_without=table["error"] / table.join(without, on=same)["without"])


def path(regression: KernelRegression, networks: Sequence[Network]) -> pd.DataFrame:
    """Follow held-out outputs along training beside the linearised flow on Eq. 12, for one width.

    Returns
    -------
    DataFrame
        Columns width, seed, beta, initial, time, distance: Frobenius, to gradient flow on K_mu
        with f_0 in it, relative to ``|f_0|`` at the start or to the held-out
        inputs, whichever is larger; and moved, how far the outputs have gone from f_0 by the same
        yardstick.
    """
    samples = len(regression.x)
    parts = []
    for case, run, followed in networks:
        times = run["time"].to_numpy()
        trained, start = np.split(followed[0], [samples])
        held_out = followed[:, samples:]
        filter_ = gradient_flow(times, samples, case.beta)
        alpha = coefficients(regression.train_train, trained - regression.x, filter_)
        predicted = start - regression.test_train @ alpha
        scale = max(np.linalg.norm(start), np.linalg.norm(regression.held_out))
        part = run[["width", "seed", "time"]].assign(beta=case.beta, initial=case.initial)
        part["distance"] = np.linalg.norm(held_out - predicted, axis=(1, 2)) / scale
        part["moved"] = np.linalg.norm(held_out - start, axis=(1, 2)) / scale
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Average the errors over seeds, by width, beta, initialisation, reading and with_initial.

    Returns
    -------
    DataFrame
        error, a geometric mean, with its 95% interval; error_without, that of the same reading
        without f_0, and the ratio over_without; and nearest: the reading with the least mean error
        among those with the same with_initial.
    """
    keys = ["initial", "with_initial", "beta", "width", "reading"]
    same_case = ["initial", "beta", "width", "reading"]
    rows = []
    for key, part in table.groupby(keys, sort=False):
        rows.append(
            dict(zip(keys, key, strict=True)) | geometric_mean(part["error"]).columns("error")
        )
    averaged = pd.DataFrame(rows)
    without = averaged[~averaged["with_initial"]].set_index(same_case)["error"]
    averaged = averaged.join(without.rename("error_without"), on=same_case)
    averaged["over_without"] = averaged["error"] / averaged["error_without"]
    least = averaged.loc[averaged.groupby(keys[:-1])["error"].idxmin()]
    nearest = least.set_index(keys[:-1])["reading"].rename("nearest")
    return averaged.join(nearest, on=keys[:-1])


def slopes(table: pd.DataFrame, paths: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width to the errors, and to the largest distance along the path."""
    rows = []
    keys = ["initial", "with_initial", "beta", "reading"]
    for key, part in table.groupby(keys, sort=False):
        case = dict(zip(keys, key, strict=True))
        rows.append({"quantity": "error"} | case | power_of_width(part, "error", slope_widths))
    members = ["initial", "beta", "width", "seed"]
    farthest = paths.groupby(members)["distance"].max().reset_index()
    for (initial, beta), part in farthest.groupby(["initial", "beta"]):
        case = {"initial": initial, "with_initial": True, "beta": beta, "reading": "n beta"}
        rows.append({"quantity": "path"} | case | power_of_width(part, "distance", slope_widths))
    return pd.DataFrame(rows).assign(claimed=CLAIMED_SLOPE)
