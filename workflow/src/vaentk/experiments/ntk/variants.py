"""Theorem 1's measures for variants of its network: X1 activations, X2 W_sigma, X3 the width."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.activations import ACTIVATIONS
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.linear_rate import measure as linear_rate
from vaentk.statistics.intervals import line_slope, mean

Array = NDArray[np.float64]


def measure(
    cases: Mapping[str, LinearRate],
    inputs: Mapping[str, Array],
    records: pd.DataFrame,
    outputs: Mapping[str, Array],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare every variant, width and seed with its kernels' predictions.

    Parameters
    ----------
    cases, inputs
        Settings and inputs (n, d) by variant.
    records
        Observations of every width: variant, width, seed, step, time, loss.
    outputs
        ``f_hat(X)`` by ``"<width>/<variant>/<seed>/<step>"``, (n, d).

    Returns
    -------
    tuple
        Curves as `linear_rate.curves` gives them, with a column variant; and a row a variant, width
        and seed: activation, samples, sigma0, train_sigma, lambda_0, lambda_max, the largest
        distances, and late rates of the loss and of the kernels' flows.
    """
    all_curves, rows = [], []
    for (variant, width), part in records.groupby(["variant", "width"], sort=False):
        case, x = cases[str(variant)], inputs[str(variant)]
        prefix = f"{width}/{variant}/"
        own = {k.removeprefix(prefix): v for k, v in outputs.items() if k.startswith(prefix)}
        kernel = linear_rate.limit_kernel(case, x)
        curve = linear_rate.curves(
            part, own, x, kernel, partial(linear_rate.empirical_residuals, case, x)
        )
        all_curves.append(curve.assign(variant=str(variant)))
        values = np.linalg.eigvalsh(kernel)
        for seed, run in curve.groupby("seed"):
            rows.append(
                {
                    "variant": variant,
                    "activation": case.activation,
                    "samples": len(x),
                    "sigma0": case.sigma0,
                    "train_sigma": case.train_sigma,
                    "width": width,
                    "seed": seed,
                    "lambda_0": float(values[0]),
                    "lambda_max": float(values[-1]),
                    "meets_assumptions": ACTIVATIONS[case.activation].meets_assumptions,
                    **{f"{name}_distance": run[f"{name}_distance"].max() for name in DISTANCES},
                    "rate": linear_rate.late_rate(run, "loss"),
                    "rate_flow": linear_rate.late_rate(run, "flow_loss"),
                    "loss_left": float(run["loss"].iloc[-1] / run["loss"].iloc[0]),
                }
            )
    return pd.concat(all_curves, ignore_index=True), pd.DataFrame(rows)


DISTANCES = ("descent", "empirical", "flow")


def rank_agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Compare the order of the activations' late rates with that of lambda_0, at the widest (X1).

    Returns
    -------
    DataFrame
        One row: Spearman's rank correlation of the mean late rate over seeds with lambda_0, the
        number of activations, and the same correlation for the limit kernel's own flow.
    """
    # Imported here: it takes a second, and two jobs of three need no ranks.
    from scipy import stats

    widest = table[table["width"] == table["width"].max()]
    means = widest.groupby("activation")[["rate", "rate_flow", "lambda_0"]].mean()
    agreement = {
        name: float(stats.spearmanr(means[name], means["lambda_0"]).statistic)
        for name in ("rate", "rate_flow")
    }
    flow = stats.spearmanr(means["rate"], means["rate_flow"]).statistic
    return pd.DataFrame(
        [
            {
                "width": int(widest["width"].iloc[0]),
                "activations": len(means),
                "rank_correlation": agreement["rate"],
                "rank_correlation_flow": agreement["rate_flow"],
                "rank_rate_with_flow": float(flow),
            }
        ]
    )


def frozen_sigma(
    table: pd.DataFrame, outputs: Mapping[str, Array], records: pd.DataFrame
) -> pd.DataFrame:
    """Compare what training W_sigma changes with the distance to the kernel limit (X2).

    Returns
    -------
    DataFrame
        A row a width and seed: difference, the Frobenius distance of the final training outputs
        of the two networks, relative to ``|f(0) - X|_F``; distance, of the network with frozen
        W_sigma to its kernel's descent; and their ratio.
    """
    rows = []
    frozen = table[table["variant"] == "frozen"].set_index(["width", "seed"])["descent_distance"]
    finals = records.groupby(["variant", "width", "seed"])["step"].max()
    for member in frozen.index:
        width, seed = (int(part) for part in member)
        last = {
            variant: outputs[f"{width}/{variant}/{seed}/{finals[variant, width, seed]}"]
            for variant in ("trained", "frozen")
        }
        start = records[(records["width"] == width) & (records["seed"] == seed)].iloc[0]
        scale = np.sqrt(2 * len(last["frozen"]) * float(start["loss"]))
        gap = float(np.linalg.norm(last["trained"].astype(float) - last["frozen"])) / scale
        distance = float(frozen[member])
        rows.append(
            {"width": width, "seed": seed, "difference": gap, "distance": distance}
            | {"ratio": gap / distance}
        )
    return pd.DataFrame(rows)


def least_width(table: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """Find the width at which the kernel's prediction is right to a tolerance (X3).

    The distance's mean over seeds is interpolated in logarithms between neighbouring widths; beyond
    the widths that were run it is extrapolated with the power of the last two, and marked; where
    the distance does not fall there, it is not a number.

    Returns
    -------
    DataFrame
        A row a number of samples and sigma0: least_width, extrapolated (whether it lies outside
        the widths run), and distance_widest.
    """
    rows = []
    for (samples, sigma0), part in table.groupby(["samples", "sigma0"]):
        means = part.groupby("width")["descent_distance"].mean()
        widths, distances = np.log(means.index.to_numpy(float)), np.log(means.to_numpy())
        goal = np.log(tolerance)
        above = np.flatnonzero(distances > goal)
        place = int(np.clip(above[-1] if len(above) else 0, 0, len(widths) - 2))
        across, down = np.diff(widths)[place], np.diff(distances)[place]
        falls = down < 0
        least = widths[place] + (goal - distances[place]) * across / down if falls else np.nan
        rows.append(
            {
                "samples": int(str(samples)),
                "sigma0": sigma0,
                "least_width": float(np.exp(least)),
                "extrapolated": not widths[0] <= least <= widths[-1],
                "distance_widest": float(means.iloc[-1]),
            }
        )
    return pd.DataFrame(rows)


def least_width_slopes(widths: pd.DataFrame) -> pd.DataFrame:
    """Fit the power of n that the least width follows, for every sigma0 and for all (X3)."""
    rows = []
    for sigma0, part in [*widths.groupby("sigma0"), ("all", widths)]:
        logs = np.log(part[["samples", "least_width"]].to_numpy(float))
        if sigma0 == "all":  # one power, a level of its own for every sigma0
            levels = pd.DataFrame(logs).groupby(part["sigma0"].to_numpy()).transform("mean")
            logs = logs - levels.to_numpy()
        groups = part["sigma0"].nunique() if sigma0 == "all" else 1
        fit = line_slope(logs[:, 0], logs[:, 1], levels=groups)
        rows.append({"sigma0": str(sigma0), "claimed": 5.0, **fit.as_slope()})
    return pd.DataFrame(rows)


def averaged(table: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds for the report's table, a row a variant and width."""
    keys = ["variant", "activation", "samples", "sigma0", "train_sigma", "width"]
    rows = []
    for key, part in table.groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        row |= {name: float(part[name].mean()) for name in ("lambda_0", "lambda_max", "loss_left")}
        for name in ("descent_distance", "empirical_distance", "rate"):
            estimate = mean(part[name])
            row |= {name: estimate.value, f"{name}_low": estimate.low}
            row |= {f"{name}_high": estimate.high}
        rows.append(row | {"rate_flow": float(part["rate_flow"].mean())})
    return pd.DataFrame(rows)
