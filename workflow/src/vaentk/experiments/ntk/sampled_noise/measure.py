"""The loss that sampled noise adds to exact gradient flow, by learning rate and width (X7)."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.linear_rate.measure import limit_kernel
from vaentk.experiments.ntk.sampled_noise import EXACT, FLOW, MIRRORED, SAMPLED, SampledNoise
from vaentk.kernels.flow import claimed_bound
from vaentk.kernels.limit import least_eigenvalue
from vaentk.statistics.intervals import Estimate, mean
from vaentk.statistics.slopes import power_of_width

Array = NDArray[np.float64]

PARTS: Final = ("expected", "mean_error", "variance_term")
"""The expected objective and its two parts."""

PREDICTED: Final = {"over_limit": 0.0, "over_predicted": 0.0}
"""Powers of the width in the limit, where the excess is what is predicted."""


def measure(settings: SampledNoise, *, mnist: Stored, records: Tables) -> dict[str, pd.DataFrame]:
    """Measure one run: what sampling adds at every width, learning rate and seed."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    kernel = limit_kernel(settings, x)
    of_times = times(pd.concat(records.values()), least_eigenvalue(kernel), len(x))
    of_runs = excess(of_times)
    by_member = members(of_runs, float(np.trace(kernel)) / (2 * len(x) ** 2))
    return {
        "times": of_times,
        "excess": of_runs,
        "members": by_member,
        "summary": summary(of_runs),
        "rates": rates(of_runs, by_member),
        "slopes": slopes(by_member, settings.slope_widths),
    }


def times(records: pd.DataFrame, lambda_0: float, samples: int) -> pd.DataFrame:
    """Average over both signs of the noise, and set Theorem 1's bound beside the mean error.

    Parameters
    ----------
    records
        Columns variant (a way of training and, of sampled noise, the rate), width, seed, time,
        learning_rate (0 of the flow), mean_error (Eq. 7), variance_term and noise, see `train`.

    Returns
    -------
    DataFrame
        One row per way (flow, exact, sampled), learning rate, width, seed and time: mean_error,
        variance_term, expected (their sum), noise (the trace of the covariance of the gradient that
        the outputs' noise makes), worst (the larger of both signs' mean errors), and bound,
        ``exp(-(lambda_0/n) t)`` times the mean error at the start.
    """
    way = records["variant"].str.split("-").str[0].replace({MIRRORED: SAMPLED})
    keys = ["way", "learning_rate", "width", "seed", "time"]
    table = records.assign(way=way, worst=records["mean_error"])
    how = dict.fromkeys(("mean_error", "variance_term", "noise"), "mean") | {"worst": "max"}
    table = table.groupby(keys, sort=False, as_index=False).agg(how)
    table["expected"] = table["mean_error"] + table["variance_term"]
    start = table.groupby(keys[:-1], sort=False)["mean_error"].transform("first")
    decay = claimed_bound(1.0, lambda_0, samples, table["time"].to_numpy())
    return table.assign(bound=start * decay)


def excess(of_times: pd.DataFrame) -> pd.DataFrame:
    """Compare every training with the flow from the same weights, over the last half of the time.

    Returns
    -------
    DataFrame
        One row per way, width, learning rate and seed: excess, mean_excess and variance_excess, the
        mean over times of the expected objective's difference to the flow's, and of its parts';
        expected, mean_error and variance_term, of the flow; predicted, the learning rate times
        a quarter of the flow's noise; over_predicted; margin, the largest
        ``log(mean error / bound)`` over times t > 0 and both signs of the noise; and flow_margin.
    """
    rows = []
    for (width, seed), part in of_times.groupby(["width", "seed"], sort=False):
        flow = part[part["way"] == FLOW].set_index("time")
        late = flow.index >= flow.index.max() / 2
        noise = float(flow["noise"][late].mean())
        for (way, rate), run in part[part["way"] != FLOW].groupby(
            ["way", "learning_rate"], sort=False
        ):
            more = (run.set_index("time")[list(PARTS)] - flow[list(PARTS)])[late].mean()
            row = {"way": way, "width": width, "learning_rate": rate, "seed": seed}
            row |= {"excess": more["expected"], "mean_excess": more["mean_error"]}
            row |= {"variance_excess": more["variance_term"]}
            row |= {name: float(flow[name][late].mean()) for name in PARTS}
            row |= {"predicted": float(str(rate)) * noise / 4}
            row |= {"over_predicted": more["expected"] / row["predicted"]}
            row |= {"margin": margin(run), "flow_margin": margin(flow.reset_index())}
            rows.append(row)
    return pd.DataFrame(rows)


def margin(run: pd.DataFrame) -> float:
    """Return the largest ``log(mean error / bound)`` over times after the start."""
    later = run[run["time"] > 0]
    return float(np.log(later["worst"] / later["bound"]).max())


def members(of_runs: pd.DataFrame, in_limit: float) -> pd.DataFrame:
    """Pool the learning rates, one row per width and seed.

    ``in_limit`` is per_variance of an infinitely wide network, ``tr K / (2 n^2)``.

    Returns
    -------
    DataFrame
        per_rate, the sum of the excesses over that of the rates; per_variance, that over the
        variance term of the flow; over_limit, that over its limit; over_predicted, the sum of the
        excesses over that of the predicted, and mean_over_predicted that of mean_excess; limit, the
        excess at a learning rate of zero by a line through all rates, over the excess at the
        largest by the same line, and mean_limit that of mean_excess; step_share, the excess of
        exact descent over that of sampled noise, both at the largest rate; margin, the largest of
        the rates', and flow_margin.
    """
    rows = []
    for (width, seed), part in of_runs.groupby(["width", "seed"], sort=False):
        sampled, exact = (part[part["way"] == way] for way in (SAMPLED, EXACT))
        total = float(sampled["excess"].sum())
        per_rate = total / float(sampled["learning_rate"].sum())
        largest = sampled.iloc[sampled["learning_rate"].argmax()]
        rows.append(
            {"width": width, "seed": seed, "per_rate": per_rate}
            | {"per_variance": per_rate / float(largest["variance_term"])}
            | {"over_limit": per_rate / float(largest["variance_term"]) / in_limit}
            | {"over_predicted": total / float(sampled["predicted"].sum())}
            | {"mean_over_predicted": sampled["mean_excess"].sum() / sampled["predicted"].sum()}
            | {"limit": at_zero(sampled["learning_rate"], sampled["excess"])}
            | {"mean_limit": at_zero(sampled["learning_rate"], sampled["mean_excess"])}
            | {"step_share": float(exact["excess"].iloc[0]) / float(largest["excess"])}
            | {"margin": float(sampled["margin"].max())}
            | {"flow_margin": float(sampled["flow_margin"].max())}
        )
    return pd.DataFrame(rows)


def at_zero(rates: pd.Series, excesses: pd.Series) -> float:
    """Extrapolate a line to zero, over its value at the largest rate.

    Points count by the inverse of their rate, in which the variance of what chance adds grows.
    """
    x, y = rates.to_numpy(dtype=float), excesses.to_numpy(dtype=float)
    slope, start = np.polyfit(x, y, 1, w=x**-0.5)
    return float(start / (start + slope * x.max()))


def summary(of_runs: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds, one row per way, width and learning rate, with 95% intervals.

    Returns
    -------
    DataFrame
        excess, mean_excess and variance_excess with their intervals; expected, mean_error and
        variance_term, of the flow; and predicted.
    """
    rows = []
    for keys, part in of_runs.groupby(["way", "width", "learning_rate"], sort=False):
        row = dict(zip(("way", "width", "learning_rate"), keys, strict=True))
        for name in ("excess", "mean_excess", "variance_excess"):
            row |= mean(part[name]).columns(name)
        row |= {name: float(part[name].mean()) for name in (*PARTS, "predicted")}
        rows.append(row)
    return pd.DataFrame(rows)


def rates(of_runs: pd.DataFrame, by_member: pd.DataFrame) -> pd.DataFrame:
    """Fit powers of the learning rate to the mean excess over seeds, a row per width and quantity.

    Returns
    -------
    DataFrame
        slope, low, high, points and freedom, of excess and mean_excess; and of the width, the means
        over seeds of over_limit and over_predicted, each with its interval, the
        share of the step, and the largest margins.
    """
    rows = []
    sampled = of_runs[of_runs["way"] == SAMPLED]
    for width, part in sampled.groupby("width", sort=False):
        own = by_member[by_member["width"] == width]
        shared = {"step_share": float(own["step_share"].mean())}
        for name in ("over_limit", "over_predicted"):
            shared |= mean(own[name]).columns(name)
        shared |= {name: float(own[name].max()) for name in ("margin", "flow_margin")}
        for quantity in ("excess", "mean_excess"):
            table = part.pivot(index="seed", columns="learning_rate", values=quantity)
            estimate = power_of_rate(table.columns.to_numpy(dtype=float), table.to_numpy())
            rows.append({"width": width, "quantity": quantity} | estimate.as_slope() | shared)
    return pd.DataFrame(rows)


def power_of_rate(learning_rates: Array, values: Array) -> Estimate:
    """Fit ``mean over seeds ~ rate^b`` to values (S, R); its interval is the jackknife's.

    A seed's own excess may be negative, the mean over seeds is not.
    """
    seeds = len(values)
    without = [np.delete(values, seed, axis=0) for seed in range(seeds)] if seeds > 1 else []
    whole, *parts = (_power(learning_rates, part.mean(axis=0)) for part in (values, *without))
    if not parts:
        return Estimate(whole, np.nan, np.nan, values.size, 0)
    pseudo = mean([seeds * whole - (seeds - 1) * part for part in parts])
    half = pseudo.high - pseudo.value
    return Estimate(whole, whole - half, whole + half, values.size, pseudo.freedom)


def _power(x: Array, y: Array) -> float:
    if not (y > 0).all():
        return float("nan")
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def slopes(by_member: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width, one row per quantity of `members`."""
    return pd.DataFrame(
        [
            {"quantity": quantity, "predicted": predicted}
            | power_of_width(by_member, quantity, slope_widths)
            for quantity, predicted in PREDICTED.items()
        ]
    )
