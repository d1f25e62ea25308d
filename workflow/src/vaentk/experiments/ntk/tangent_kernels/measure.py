"""Lemmas 1 to 3 at finite width: the full kernel at initialisation and along training (W1)."""

from collections.abc import Sequence
from math import log

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.kernels.finite import PARTS
from vaentk.kernels.limit import LimitKernels, least_eigenvalue, limit_kernels
from vaentk.kernels.wishart import edges, unit_weights
from vaentk.statistics.slopes import power_of_width

Array = NDArray[np.float64]

CLAIMED_SLOPE = -0.5
"""Exponent of the width in Lemmas 2 and 3."""

CONFIDENCE = 0.1
"""Lemma 2's delta, for the width that it asks for."""


def measure(settings: TangentKernels, *, mnist: Stored, records: Tables) -> dict[str, pd.DataFrame]:
    """Measure one run: the kernel at the start and along training, and what Lemma 2 asks of it."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    limit = limit_kernels(ACTIVATIONS[settings.activation], settings.sigma0, x)
    observed = pd.concat(records.values(), ignore_index=True)
    expected = random_matrices(settings, x, limit, sorted(observed["width"].unique()))
    start = initial(observed, limit, expected, x.shape[1])
    training = along_training(observed, least_eigenvalue(limit.total))
    return {
        "initial": start,
        "training": training,
        "slopes": slopes(start, training, settings.slope_widths),
        "lemma2_width": lemma2_width(start, len(x)),
    }


def random_matrices(
    settings: TangentKernels, x: Array, limit: LimitKernels, widths: Sequence[int]
) -> pd.DataFrame:
    """Compute what random matrix theory expects, one row per width, see `vaentk.kernels.wishart`.

    Returns
    -------
    DataFrame
        Index width. ``wishart_norm``, of Theta_mu minus its limit: along the first eigenvector of
        K_mu, the upper edge less the eigenvalue. ``wishart_least``, an upper bound on lambda_min:
        along the last eigenvector of K, the lower edge and what K_sigma and K_d add.
    """
    activation = ACTIVATIONS[settings.activation]
    values, vectors = np.linalg.eigh(limit.mu)
    last = np.linalg.eigh(limit.total)[1][:, 0]
    above, below = (
        unit_weights(activation, settings.sigma0, x, direction)
        for direction in (vectors[:, -1], last)
    )
    rest = float(last @ (limit.sigma + limit.d) @ last)
    rows = {
        width: {
            "wishart_norm": edges(above, x.shape[1] / width)[1] - float(values[-1]),
            "wishart_least": edges(below, x.shape[1] / width)[0] + rest,
        }
        for width in widths
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("width")


def initial(
    records: pd.DataFrame, limit: LimitKernels, expected: pd.DataFrame, outputs: int
) -> pd.DataFrame:
    """Collect what `Observer` saw at the start, one row per width and seed.

    Returns
    -------
    DataFrame
        With lambda_0, lambda_min and the norm in units of it; what `random_matrices` expects, and
        the norm over that; the size of the initial output in the limit, ``|f_0(x)| = sqrt(d
        kappa_0)``; and the largest distance of the flows of Theta(0) and of its limit, with the
        late rate and that over the limit's.
    """
    start = records[records["step"] == 0].reset_index(drop=True).assign(outputs=outputs)
    lambda_0 = least_eigenvalue(limit.total)
    columns = ["width", "seed", "outputs", "lambda_min", "lambda_min_error", "lambda_max", "norm"]
    columns += ["norm_error", *(f"norm_{part}" for part in PARTS), "products"]
    columns += [f"{name}_{part}" for name in ("between", "within") for part in PARTS]
    columns += ["initial_error", "initial_output"]
    columns += ["slope_measured", "slope_derived", "slope_printed"]
    columns += ["flow_distance", "flow_distance_time", "rate", "rate_over_limit"]
    return start.reindex(columns=columns).assign(
        lambda_0=lambda_0,
        lambda_min_over=start["lambda_min"] / lambda_0,
        norm_over=start["norm"] / lambda_0,
        wishart_norm=start["width"].map(expected["wishart_norm"]),
        norm_over_wishart=start["norm"] / start["width"].map(expected["wishart_norm"]),
        wishart_least=start["width"].map(expected["wishart_least"]),
        initial_output_limit=np.sqrt(start["outputs"] * np.diag(limit.d).mean()),
    )


def along_training(records: pd.DataFrame, lambda_0: float) -> pd.DataFrame:
    """Collect what was seen along training, one row per width, seed and moment.

    Returns
    -------
    DataFrame
        Columns width, seed, fraction (of the training time), time, drift ``|Theta(t) -
        Theta(0)|_2``, norm ``|Theta(t) - Theta_inf|_2`` and lambda_min, and these over lambda_0;
        loss_over_zero, the loss over that of answering zero to inputs of norm 1; and at the end
        drift_equal, the drift of the blocks of equal outputs, and drift_share, that over the drift.
        No rows where nothing was trained.
    """
    seen = records[records["lambda_min"].notna()].copy()
    last = records.groupby(["width", "seed"])["time"].transform("max").loc[seen.index]
    trained = last > 0
    seen, last = seen[trained], last[trained]
    seen["drift"] = seen.get("drift", pd.Series(np.nan, seen.index)).where(seen["step"] > 0, 0.0)
    columns = ["width", "seed", "fraction", "time", "drift", "drift_equal", "norm", "lambda_min"]
    table = seen.assign(fraction=seen["time"] / last).reindex(columns=columns)
    return table.assign(
        drift_share=table["drift_equal"] / table["drift"],
        norm_over=table["norm"] / lambda_0,
        lambda_min_over=table["lambda_min"] / lambda_0,
        loss_over_zero=2 * seen["loss"],
    ).reset_index(drop=True)


def slopes(start: pd.DataFrame, training: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width to the norms, the blocks' deviations and the largest drift."""
    quantities = ["norm", *(f"norm_{part}" for part in PARTS)]
    quantities += [f"{name}_{part}" for name in ("between", "within") for part in PARTS]
    quantities += ["flow_distance"]
    seen = [quantity for quantity in quantities if start[quantity].notna().all()]
    tables: list[tuple[pd.DataFrame, str]] = [(start, quantity) for quantity in seen]
    if len(training):
        largest = training.groupby(["width", "seed"])["drift"].max().reset_index()
        tables.append((largest, "drift"))
    rows = [
        {"quantity": quantity, "claimed": CLAIMED_SLOPE}
        | power_of_width(table, quantity, slope_widths)
        for table, quantity in tables
    ]
    return pd.DataFrame(rows)


def lemma2_width(start: pd.DataFrame, samples: int) -> pd.DataFrame:
    """Set the width that Lemma 2 asks for beside the one that the measured norm leads to.

    Returns
    -------
    DataFrame
        One row: ``measured``, the width at which the norm at the largest width, falling as
        m^(-1/2), reaches lambda_0/4; ``printed``, ``n^2 d^2 / lambda_0 log(nd/delta)`` with delta =
        `CONFIDENCE`; ``derived``, the same over ``(lambda_0/4)^2``, to which the lemma's own last
        step leads, and its ratio to ``printed``; and the norm at the printed width, falling as
        m^(-1/2), over lambda_0.
    """
    widest = start[start["width"] == start["width"].max()]
    lambda_0, outputs = float(widest["lambda_0"].iloc[0]), int(widest["outputs"].iloc[0])
    measured = float((widest["width"] * (4 * widest["norm"] / lambda_0) ** 2).mean())
    entries = (samples * outputs) ** 2 * log(samples * outputs / CONFIDENCE)
    printed, derived = entries / lambda_0, entries / (lambda_0 / 4) ** 2
    row = {
        "outputs": outputs,
        "lambda_0": lambda_0,
        "width": int(widest["width"].iloc[0]),
        "norm": float(widest["norm"].mean()),
        "width_measured": measured,
        "width_printed": printed,
        "width_derived": derived,
        "derived_over_printed": derived / printed,
        "norm_over_at_printed": 0.25 * (measured / printed) ** 0.5,
    }
    return pd.DataFrame([row])
