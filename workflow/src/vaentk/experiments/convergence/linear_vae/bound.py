"""S1's constants: the descent lemma's bound on E|grad L(theta_R)|^2, and how loose it is.

For SGD on an objective f with ``|f(y) - f(x) - <grad f(x), y - x>| <= S |y - x|^2 / 2`` on the
steps it makes, unbiased gradients of variance at most V and step sizes gamma_1 >= gamma_2 >= ...
with S gamma_1 < 2, taking the expectation of the inequality and summing it over k = 0..n gives

    E|grad f(theta_R)|^2 <= (f(theta_0) - min f + S V/2 sum_k gamma_k^2) /
                            ((n + 1) min_k gamma_k (1 - S gamma_k / 2)),  k = 1..n + 1,

R uniform on {0..n}: with gamma_k = C k^(-1/2) the sum is C^2 log n, so that it is
``O(log n / sqrt(n))`` (Ghadimi & Lan 2013; Theorem 3.6 of Surendran et al. 2024 has this form).
The linear VAE is quartic: it has no S without a compact set, and V grows with the parameters.
Both are taken from what was visited, which can only make the bound smaller.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.experiments.convergence.linear_vae.rates import VARIANT
from vaentk.statistics.intervals import mean
from vaentk.training.linear import Problem

Array = NDArray[np.float64]


def bound(gap: float, smoothness: float, variance: float, steps: Array) -> float:
    """Evaluate the module's bound; NaN where S gamma_1 >= 2, for which the lemma says nothing.

    Parameters
    ----------
    gap
        ``f(theta_0) - min f``, in expectation.
    smoothness, variance
        S and V.
    steps
        ``gamma_1 ... gamma_(n+1)``.
    """
    if smoothness * steps[0] >= 2:
        return float("nan")
    falls = steps * (1 - smoothness * steps / 2)
    spread = smoothness * variance / 2 * float(np.sum(steps**2))
    return (gap + spread) / (len(steps) * float(falls.min()))


def constants(
    records: pd.DataFrame, marks: pd.DataFrame, settings: LinearVae, problem: Problem
) -> pd.DataFrame:
    """Put the constants together and compare the bound with what was measured.

    One row per training of the rate: ``gap``, the mean initial gap; ``curvature``, the largest over
    runs and iterates; ``noise``, the largest mean over runs; ``measured``, the mean of
    E_R|grad L(theta_R)|^2 at ``step``; ``bound`` and ``looseness``, bound over measured, for SGD
    alone (Adam's theorem has constants of its own). Its interval is that of the mean over runs.
    ``norm`` is the largest norm of the parameters over runs and recorded iterates, ``norm_over``
    the same over the norm of an optimum, which all optima at distinct eigenvalues share.
    """
    rows = []
    best = problem.model.optimum(problem.moments, problem.latent_dim)
    optimum = float(best.square().sqrt())
    for key, part in records[records["role"] == "rate"].groupby(VARIANT, sort=False):
        row: dict[str, Any] = dict(zip(VARIANT, key, strict=True))
        own = marks[(marks["variant"] == row["variant"]) & (marks["optimiser"] == row["optimiser"])]
        last = int(part["step"].max())
        measured = mean(part[part["step"] == last]["mean_gradient"])
        gap = float(part[part["step"] == 0]["gap"].mean())
        curvature = float(own["curvature"].max())
        noise = float(own.groupby("step")["noise"].mean().max())
        scale = settings.scale(row["optimiser"], row["estimator"])
        steps = scale * np.arange(1, last + 2, dtype=float) ** -row["power"]
        sgd = row["optimiser"] == "sgd"
        limit = bound(gap, curvature, noise, steps) if sgd else float("nan")
        row |= {"scale": scale, "step": last, "gap": gap, "curvature": curvature, "noise": noise}
        row |= {"measured": measured.value, "bound": limit, "looseness": limit / measured.value}
        norm = float(part["norm"].max())
        row |= {"norm": norm, "norm_over": norm / optimum}
        low, high = limit / measured.high, limit / max(measured.low, 0)
        rows.append(row | {"looseness_low": low, "looseness_high": high})
    return pd.DataFrame(rows)
