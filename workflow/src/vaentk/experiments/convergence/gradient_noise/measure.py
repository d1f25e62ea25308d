"""S5's measures: how signal-to-noise ratios go with the batch B and the codes K of an image."""

from collections.abc import Iterator
from math import nan

import numpy as np
import pandas as pd

from vaentk.statistics.intervals import Estimate, line_slope

RATIOS = ("rms", "whole")
"""Ratios that are fitted: without bias where they are small, unlike the plain mean."""

ALL = "all"

WITH_CODES = {"batch": 0.5, "samples": 0.5, "budget": 0.0}
CLAIMED = {
    ("iwae", "phi"): {"batch": 0.5, "samples": -0.5, "budget": -1.0},
    ("iwae", "theta"): WITH_CODES,
    ("iwae-dreg", "phi"): WITH_CODES,
    ("iwae-dreg", "theta"): WITH_CODES,
    ("elbo", "phi"): WITH_CODES,
    ("elbo", "theta"): WITH_CODES,
}
"""Theory's exponents on fixed images: sqrt(B K) and, for phi under the plain IWAE, sqrt(B / K)
(Rainforth et al. 2018; the doubly reparametrised one by Tucker et al. 2019). At a fixed budget B K
the ratio goes with the exponent in K less that in B."""

CELL = ["state", "estimator", "images", "part"]


def exponents(table: pd.DataFrame) -> pd.DataFrame:
    """Fit the powers with which ratios go with B, with K, and with K at a fixed budget B K.

    Ordinary least squares in logarithms. Every seed has a level of its own, and, over the whole
    grid, so has every value of what is held constant, so that only the power is common; the 95%
    interval is Student's, and scatter between cells and misfit of the power both widen it.

    Parameters
    ----------
    table
        A row a state, estimator, images (fixed, redrawn), part (theta, phi), seed, batch and
        samples: the ratios `RATIOS`, NaN where the noise drowned the signal, and ``effective``.

    Returns
    -------
    DataFrame
        A row a state, estimator, images, part, ratio and along: ``batch``, ``samples``, or
        ``budget`` (K at constant B K). ``at`` is the value of what is held constant, K or B, or
        "all" for one power over the grid; slope with low, high and points; ``claimed``, theory's
        exponent; ``effective``, of the codes of an image at the largest K the number that count,
        ``1 / sum_k w^2`` with their importance weights w; ``missing``, rows left out for a NaN,
        which can only be those of small ratios, so that the power is then too flat.
    """
    rows = []
    for key, part in table.groupby(CELL, sort=False):
        known = dict(zip(CELL, key, strict=True))
        most = part[part["samples"] == part["samples"].max()]
        effective = float(most["effective"].mean())
        claimed = CLAIMED[str(known["estimator"]), str(known["part"])]
        for ratio in RATIOS:
            for along, at, fit, missing in _fits(part, ratio):
                rows.append(
                    {
                        **known,
                        "ratio": ratio,
                        "along": along,
                        "at": at,
                        **fit.as_slope(),
                        "claimed": claimed[along],
                        "effective": effective,
                        "missing": missing,
                    }
                )
    return pd.DataFrame(rows)


def _fits(table: pd.DataFrame, ratio: str) -> Iterator[tuple[str, str, Estimate, int]]:
    """Yield along, at, the power and the rows left out, for one part under one estimator."""
    kept = table.dropna(subset=[ratio])
    for along, held in (("batch", "samples"), ("samples", "batch")):
        yield along, ALL, _power(kept, ratio, along, held), len(table) - len(kept)
        for value in sorted(table[held].unique()):
            own, whole = kept[kept[held] == value], table[table[held] == value]
            yield along, str(value), _power(own, ratio, along, held), len(whole) - len(own)
    budget = table.assign(budget=table["batch"] * table["samples"])
    budget = budget[budget.groupby(["seed", "budget"])["samples"].transform("nunique") > 1]
    kept = budget.dropna(subset=[ratio])
    yield "budget", ALL, _power(kept, ratio, "samples", "budget"), len(budget) - len(kept)


def _power(table: pd.DataFrame, ratio: str, along: str, held: str) -> Estimate:
    """Fit one power with a level for every seed and value of what is held constant."""
    if table.empty:
        return Estimate(nan, nan, nan, 0)
    levels = [table["seed"], table[held]]
    logs = pd.DataFrame({"x": np.log(table[along]), "y": np.log(table[ratio])})
    centred = logs - logs.groupby(levels).transform("mean")
    return line_slope(centred["x"].round(12), centred["y"], table.groupby(levels).ngroups)


def at_budget(table: pd.DataFrame, ratio: str = "rms") -> pd.DataFrame:
    """Find, at every budget of codes B K, the K with the largest ratio.

    Parameters
    ----------
    table
        As for `exponents`.
    ratio
        Which ratio, its mean over seeds.

    Returns
    -------
    DataFrame
        A row a state, estimator, images, part and budget that several cells have: ``best``, K of
        the largest ratio, and ``gain``, that ratio over the one of the largest K (NaN where that
        one is drowned).
    """
    rows = []
    whole = table.assign(budget=table["batch"] * table["samples"])
    keys = [*CELL, "budget", "samples"]
    means = whole.groupby(keys, sort=False)[ratio].mean().reset_index()
    for key, part in means.groupby([*CELL, "budget"], sort=False):
        ratios = part.set_index("samples")[ratio].sort_index()
        if len(ratios) > 1 and ratios.notna().any():
            known = dict(zip([*CELL, "budget"], key, strict=True))
            gain = float(ratios.max()) / float(ratios.iloc[-1])
            rows.append({**known, "best": ratios.idxmax(), "gain": gain})
    return pd.DataFrame(rows, columns=[*CELL, "budget", "best", "gain"])
