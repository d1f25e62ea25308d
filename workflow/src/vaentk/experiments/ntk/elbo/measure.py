"""Both objectives over time: the mean network's error, the variance term and Theorem 1's bound."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.data.stored import Stored
from vaentk.experiments.declaration import Tables
from vaentk.experiments.ntk.elbo import Elbo
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.linear_rate.measure import late_rate, limit_kernel
from vaentk.kernels.flow import claimed_bound
from vaentk.kernels.limit import least_eigenvalue
from vaentk.models.erf_variance import mean_erf_variance
from vaentk.statistics.intervals import geometric_mean
from vaentk.statistics.slopes import power_of_width

Array = NDArray[np.float64]

PREDICTED: Final = {
    ("mean", "variance_change"): -1.0,
    ("elbo", "half_time"): 1.0,
    ("elbo", "latent_time"): 1.0,
    ("elbo", "reconstruction_final"): np.nan,
}
"""Powers of the width, by objective and quantity, while no weight moves far: the gradient of the
variance term is of order d/m. The loss at the end has none."""


def measure(settings: Elbo, *, mnist: Stored, records: Tables) -> dict[str, pd.DataFrame]:
    """Measure one run: every width and seed, trained on either objective."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    lambda_0 = least_eigenvalue(limit_kernel(settings, x))
    of_times = times(pd.concat(records.values()), lambda_0, x)
    floor = x.shape[1] * mean_erf_variance(settings.sigma0) / 2
    by_member = members(of_times, floor)
    return {
        "times": of_times,
        "members": by_member,
        "summary": summary(by_member, floor, lambda_0 / len(x)),
        "slopes": slopes(by_member, settings.slope_widths),
    }


def times(records: pd.DataFrame, lambda_0: float, x: Array) -> pd.DataFrame:
    """Set the ELBO's reconstruction term and its parts beside Theorem 1's bound.

    Parameters
    ----------
    records
        Columns variant (the objective that is trained), width, seed, time, gradients,
        reconstruction (Eq. 7), variance_term and latent_rms, in order of time.
    lambda_0, x
        Smallest eigenvalue of the limit kernel; inputs and targets, (n, d).

    Returns
    -------
    DataFrame
        A row per objective, width, seed and time: mean_error (Eq. 7), variance_term, reconstruction
        (their sum), bound and mean_bound (``exp(-(lambda_0/n) t)`` times the reconstruction and
        mean_error at the start), over_zero (the reconstruction over that of answering zero,
        ``|X|_F^2 / (2n)``) and latent_std (root mean square over units and samples).
    """
    parts = []
    for keys, run in records.groupby(["variant", "width", "seed"], sort=False):
        part = pd.DataFrame(dict(zip(("objective", "width", "seed"), keys, strict=True)), run.index)
        part = part.join(run[["time", "gradients", "variance_term"]])
        part["mean_error"] = run["reconstruction"]
        part["reconstruction"] = part["mean_error"] + part["variance_term"]
        moments = part["time"].to_numpy()
        for bound, loss in (("bound", "reconstruction"), ("mean_bound", "mean_error")):
            part[bound] = claimed_bound(float(part[loss].iloc[0]), lambda_0, len(x), moments)
        part["over_zero"] = part["reconstruction"] / (np.sum(x**2) / (2 * len(x)))
        part["latent_std"] = run["latent_rms"]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def members(of_times: pd.DataFrame, floor: float) -> pd.DataFrame:
    """Collect what is compared across widths, one row per objective, width and seed.

    Returns
    -------
    DataFrame
        variance_start and variance_final, mean_error_start and mean_error_final; start_over_floor,
        the variance term at the start over ``floor``; variance_change (over training, absolute,
        over that at the start), half_time (when it has halved), latent_time (when latent_std has
        lost a tenth; a time is NaN where it does not come), reconstruction_final and over_zero (at
        the end), latent_std (at the end); margin, the largest ``log(reconstruction / bound)`` over
        times t > 0, with its time, and mean_margin, that of the mean network's error; and rate, of
        the reconstruction, over the last half of the time.
    """
    rows = []
    for keys, run in of_times.groupby(["objective", "width", "seed"], sort=False):
        moments = run["time"].to_numpy()
        left, latent = (
            (run[name] / run[name].iloc[0]).to_numpy() for name in ("variance_term", "latent_std")
        )
        start, end, later = run.iloc[0], run.iloc[-1], run[run["time"] > 0]
        margins = np.log(later["reconstruction"] / later["bound"])
        rows.append(
            dict(zip(("objective", "width", "seed"), keys, strict=True))
            | {
                "time": end["time"],
                "gradients": end["gradients"],
                "variance_start": start["variance_term"],
                "start_over_floor": start["variance_term"] / floor,
                "mean_error_start": start["mean_error"],
                "variance_final": end["variance_term"],
                "mean_error_final": end["mean_error"],
                "variance_change": abs(left[-1] - 1),
                "half_time": time_below(0.5, moments, left),
                "latent_time": time_below(0.9, moments, latent),
                "reconstruction_final": end["reconstruction"],
                "over_zero": end["over_zero"],
                "latent_std": end["latent_std"],
                "margin": margins.max(),
                "margin_time": later["time"].iloc[margins.argmax()],
                "mean_margin": np.log(later["mean_error"] / later["mean_bound"]).max(),
                "rate": late_rate(run, "reconstruction"),
            }
        )
    return pd.DataFrame(rows)


def summary(by_member: pd.DataFrame, floor: float, claimed_rate: float) -> pd.DataFrame:
    """Summarise by objective and width: geometric means over seeds with 95% intervals.

    Returns
    -------
    DataFrame
        floor is the variance term of a wide network at the start, ``d E Var(phi) / 2``; margins are
        the largest of the seeds'.
    """
    rows = []
    for (objective, width), part in by_member.groupby(["objective", "width"], sort=False):
        worst = part.iloc[part["margin"].argmax()]
        row = {
            "objective": objective,
            "width": width,
            "time": float(part["time"].iloc[0]),
            "gradients": float(part["gradients"].mean()),
            "floor": floor,
        }
        row |= geometric_mean(part["variance_start"]).columns("variance_start")
        row["mean_error_start"] = float(part["mean_error_start"].mean())
        row |= geometric_mean(part["variance_final"]).columns("variance_final")
        row["mean_error_final"] = float(part["mean_error_final"].mean())
        row |= geometric_mean(part["over_zero"]).columns("over_zero")
        row |= {name: float(worst[name]) for name in ("margin", "margin_time")}
        row["mean_margin"] = float(part["mean_margin"].max())
        row |= geometric_mean(part["rate"]).columns("rate")
        row |= {"rate_claimed": claimed_rate, "latent_std": float(part["latent_std"].mean())}
        rows.append(row)
    return pd.DataFrame(rows)


def slopes(by_member: pd.DataFrame, slope_widths: int) -> pd.DataFrame:
    """Fit powers of the width, one row per objective and quantity of `members`."""
    rows = [
        {"objective": objective, "quantity": quantity, "predicted": predicted}
        | power_of_width(by_member[by_member["objective"] == objective], quantity, slope_widths)
        for (objective, quantity), predicted in PREDICTED.items()
    ]
    return pd.DataFrame(rows)


def time_below(level: float, moments: Array, left: Array) -> float:
    """Return when a part that starts at 1 is first below a level, NaN where it never is.

    Between two moments its logarithm is taken to be linear in that of time.
    """
    below = np.flatnonzero(left < level)
    if not below.size:
        return float("nan")
    around = slice(max(below[0] - 1, 1), below[0] + 1)
    # Interpolation wants rising abscissae, and what is left falls there.
    at, parts = np.log(moments[around])[::-1], np.log(left[around])[::-1]
    return float(np.exp(np.interp(np.log(level), parts, at)))
