"""S1's gradient noise: E|g - grad L|^2 of every estimator over B and K, at start and optimum."""

from itertools import chain, product
from typing import Final

import numpy as np
import pandas as pd
import torch

from vaentk.experiments.convergence.linear_vae import AnyEstimator, LinearVae, Place
from vaentk.experiments.convergence.linear_vae.problem import estimator_of, parameters_at
from vaentk.statistics.bootstrap import coefficients, interval, resampled_means
from vaentk.statistics.intervals import mean
from vaentk.training.linear import Problem
from vaentk.training.linear_diagnostics import gradient_noise

PLACES: Final[tuple[Place, ...]] = ("start", "optimum")
"""Where noise is measured: at the runs' own starts, and at probabilistic PCA's optimum."""

FACTORS: Final = ("batch", "samples")


def variances(settings: LinearVae, problem: Problem) -> pd.DataFrame:
    """Measure the noise: one row per place, estimator, B, K and run, ``variance`` over the draws.

    Of the estimators that are trained, and of the IWAE bound's gradient. Control variates that need
    two samples are left out at K = 1.
    """
    seeds = settings.seeds()
    cells = []
    sizes = settings.batches, settings.sample_counts
    kinds: tuple[tuple[AnyEstimator, ...], ...] = settings.estimators, ("iwae",)
    # IWAE comes last: a cell's place in the grid is the seed of its draws.
    grid = chain.from_iterable(product(PLACES, names, *sizes) for names in kinds)
    for number, (place, name, batch, samples) in enumerate(grid):
        if name == "score-leave-one-out" and samples < 2:
            continue
        parameters = parameters_at(place, problem, settings, seeds)
        generator = torch.Generator().manual_seed(number)
        estimator = estimator_of(name, batch, samples)
        by_run = gradient_noise(problem, parameters, estimator, settings.draws, generator)
        part = pd.DataFrame({"seed": seeds, "variance": by_run.tolist()})
        cells.append(part.assign(place=place, estimator=name, batch=batch, samples=samples))
    return pd.concat(cells, ignore_index=True)


def summary(noise: pd.DataFrame) -> pd.DataFrame:
    """Average over runs, with 95% intervals: one row per place, estimator, B and K.

    ``over_pathwise`` is the mean over that of the pathwise gradient with as many points and
    samples, its interval over resampled runs; NaN where there is none.
    """
    keys = ["place", "estimator", *FACTORS]
    rows = []
    means = {cell: resampled_means(v.to_numpy()) for cell, v in noise.groupby(keys)["variance"]}
    for cell, part in noise.groupby(keys, sort=False):
        row, average = dict(zip(keys, cell, strict=True)), mean(part["variance"])
        row |= {"variance": average.value, "low": average.low, "high": average.high}
        pathwise = means.get((row["place"], "pathwise", *cell[2:]), np.full(1, np.nan))
        ratio = interval(means[cell] / pathwise, average.points)
        rows.append(row | {"runs": average.points} | ratio.columns("over_pathwise"))
    return pd.DataFrame(rows)


def slopes(noise: pd.DataFrame) -> pd.DataFrame:
    """Fit the powers of B and K in the noise, the other held: one row per place, estimator, factor.

    ``share`` is the part of the noise at K = 1, B times it, that stays when K grows: the
    least-squares intercept of ``B E|g - grad L|^2`` in 1/K over that at K = 1. It is the
    variance of the data points, which no number of samples removes.
    """
    rows = []
    for (place, name), part in noise.groupby(["place", "estimator"], sort=False):
        table = part.pivot(index="seed", columns=list(FACTORS), values="variance")
        pairs = np.array(table.columns.to_list(), dtype=float)
        values = table.to_numpy(dtype=float)
        powers = coefficients(np.log(pairs), values)
        rise, level = np.polyfit(1 / pairs[:, 1], values.mean(0) * pairs[:, 0], 1)
        for factor, estimate in zip(FACTORS, powers, strict=True):
            row = {"place": place, "estimator": name, "factor": factor, "claimed": -1.0}
            rows.append(row | estimate.as_slope() | {"share": level / (level + rise)})
    return pd.DataFrame(rows)
