"""X11's and X12's measures: the rate of every model, and how its curvature grows."""

from collections.abc import Iterator
from itertools import pairwise
from math import log
from typing import Any

import numpy as np
import pandas as pd
import torch

from vaentk.bounds.draws import generator
from vaentk.experiments.convergence.linear_vae.rates import by_run, claimed, late
from vaentk.experiments.convergence.other_models import SEQUENTIAL, OtherModels
from vaentk.experiments.convergence.other_models.problems import models_of
from vaentk.models.exact_vae import ExactVae, largest_curvature
from vaentk.statistics.bootstrap import exponent
from vaentk.statistics.intervals import Estimate, geometric_mean, mean, proportion
from vaentk.training.exact import Recipe, train
from vaentk.training.linear import log_spaced


def measure(settings: OtherModels) -> dict[str, pd.DataFrame]:
    """Train and measure every model of one run."""
    models = models_of(settings)
    recipe = Recipe(
        seeds=tuple(range(settings.runs)),
        steps=settings.steps,
        scale=settings.scale,
        batch=settings.batch,
        codes=settings.codes,
        initial=settings.initial,
        record=log_spaced(settings.steps),
    )
    records = pd.concat(
        [pd.DataFrame(train(model, recipe)).assign(model=name) for name, model in models.items()]
    )
    curvatures = pd.DataFrame(
        [row for name, model in models.items() for row in curvatures_of(settings, name, model)]
    )
    return {
        "curves": curves(records),
        "slopes": slopes(records),
        "curvatures": curvatures,
        "growth": growth(curvatures, settings),
    }


def curves(records: pd.DataFrame) -> pd.DataFrame:
    """Average over runs, with Student's intervals: a row per model and iterate but the start.

    ``gradient``, ``mean_gradient`` and ``loss``, as in the records, and ``ratio``, of
    ``mean_gradient`` to log n / sqrt(n), NaN at n = 1. Runs that diverge are left out.
    """
    rows, kept = [], records[(records["step"] > 0) & ~diverged(records)]
    for (model, step), part in kept.groupby(["model", "step"], sort=False):
        row: dict[str, Any] = {"model": model, "step": step}
        for quantity in ("gradient", "mean_gradient", "loss"):
            row |= mean(part[quantity]).columns(quantity)
        rate = float(claimed(np.asarray(step, dtype=float))) or np.nan
        row |= {f"ratio{end}": row[f"mean_gradient{end}"] / rate for end in ("", "_low", "_high")}
        rows.append(row)
    return pd.DataFrame(rows)


def slopes(records: pd.DataFrame) -> pd.DataFrame:
    """Fit powers of n over the last decade, with intervals over resampled runs.

    One row per model and quantity: ``ratio``, of E|grad L(theta_R)|^2 to log n / sqrt(n), and
    ``gradient``, at the iterate itself; over the runs that do not diverge, NaN with fewer than two;
    ``diverged``, the part of the runs that do, with its exact interval.
    """
    rows = []
    for model, whole in records.groupby("model", sort=False):
        lost = diverged(whole)
        part, runs = whole[~lost], whole["seed"].nunique()
        missing = proportion(whole[lost]["seed"].nunique(), runs).columns("diverged")
        for quantity in ("ratio", "gradient"):
            if part["seed"].nunique() < 2:
                nothing = Estimate(np.nan, np.nan, np.nan, 0).as_slope()
                row = {"model": model, "quantity": quantity, "kind": kind_of(str(model))}
                rows.append(row | nothing | {"step_min": 0, "step_max": 0} | missing)
                continue
            steps, values = by_run(part, "mean_gradient" if quantity == "ratio" else quantity)
            chosen = late(steps)
            n, last = steps[chosen], values[:, chosen]
            last = last / claimed(n) if quantity == "ratio" else last
            row = {"model": model, "quantity": quantity, "kind": kind_of(str(model))}
            row |= exponent(n, last, points=len(last)).as_slope()
            rows.append(row | {"step_min": int(n[0]), "step_max": int(n[-1])} | missing)
    return pd.DataFrame(rows)


def diverged(records: pd.DataFrame) -> pd.Series:
    """Mark the rows of runs that are not finite at their end."""
    worst = records.groupby(["model", "seed"])["mean_gradient"].transform("max")
    lost: pd.Series = worst == np.inf
    return lost


def kind_of(model: str) -> str:
    """Say whether a model is a sequential one, or what its decoder is bounded by."""
    if model.startswith(SEQUENTIAL):
        return SEQUENTIAL
    return "unclipped" if model == "poisson" else "decoder"


def curvatures_of(
    settings: OtherModels, name: str, model: ExactVae
) -> Iterator[dict[str, str | float]]:
    """Yield the Hessian's largest |eigenvalue| at random points, one row per norm and direction.

    Models with as many parameters have their points in common.
    """
    own = generator(torch.device("cpu"), settings.data_seed, 1)
    drawn = torch.randn(settings.directions, model.size, generator=own, dtype=torch.float64)
    directions = drawn / drawn.norm(dim=1, keepdim=True)
    for norm in settings.norms:
        for place, value in enumerate(largest_curvature(model, norm * directions).tolist()):
            yield {"model": name, "norm": norm, "direction": place, "curvature": value}


def growth(curvatures: pd.DataFrame, settings: OtherModels) -> pd.DataFrame:
    """Compare curvatures at the same directions: geometric means of ratios, with intervals.

    One row per comparison and ``of``: ``norm``, the two largest norms, of every model, and
    ``clipping``, of the unclipped Poisson's growth to the clipped one's; ``radius``, neighbouring
    radii of the sequential model at the largest norm. ``power`` is the logarithm of the ratio over
    that of the two norms, NaN for the others.
    """
    wide = curvatures.pivot(index="direction", columns=["model", "norm"], values="curvature")
    below, above = settings.norms[-2:]
    grown = {name: wide[name][above] / wide[name][below] for name in wide.columns.unique("model")}
    compared = [("norm", str(name), ratio) for name, ratio in grown.items()]
    if {"poisson", "poisson-clipped"} <= set(grown):
        compared.append(("clipping", "poisson", grown["poisson"] / grown["poisson-clipped"]))
    sequential = [str(name) for name in grown if str(name).startswith(SEQUENTIAL)]
    for less, more in pairwise(sequential):
        compared.append(("radius", f"{less} to {more}", wide[more][above] / wide[less][above]))
    rows = []
    for comparison, of, ratio in compared:
        row: dict[str, Any] = {"comparison": comparison, "of": of}
        row |= geometric_mean(ratio).columns("ratio") | {"freedom": len(ratio) - 1}
        power = log(row["ratio"]) / log(above / below) if comparison == "norm" else np.nan
        rows.append(row | {"power": power, "points": len(ratio)})
    return pd.DataFrame(rows)
