"""S3: what beta does to the objective: the units that its optimum uses, and its curvature."""

from typing import Final

import pandas as pd
import torch

from vaentk.experiments.convergence.linear_vae import LinearVae as Settings
from vaentk.experiments.convergence.linear_vae.problem import problem_of
from vaentk.models.linear_vae import LinearVae, Parameters
from vaentk.statistics.intervals import mean, proportion
from vaentk.training.linear import Problem
from vaentk.training.linear_diagnostics import curvature

SEED: Final = 0
"""Of the random points."""


def units_used(problem: Problem, betas: tuple[float, ...]) -> dict[float, int]:
    """Count the latent units that the optimum of each beta uses: ``lambda_j > beta c^2``."""
    models = {beta: LinearVae(problem.model.variance, beta) for beta in betas}
    optima = {beta: m.optimum(problem.moments, problem.latent_dim) for beta, m in models.items()}
    return {beta: int((best.w.square().sum(-2) > 0).sum()) for beta, best in optima.items()}


def regimes(units: dict[float, int], latent_dim: int) -> pd.DataFrame:
    """Say of each beta whether its optimum uses all units, some or none: ``regime``.

    A beta above some of the ``lambda_j / c^2`` has another optimum, with less to learn, so that
    only those that use all units are compared by a power of beta.
    """
    names = {latent_dim: "all", 0: "none"}
    rows = [{"beta": b, "units": n, "regime": names.get(n, "some")} for b, n in units.items()]
    return pd.DataFrame(rows)


def random_points(problem: Problem, radius: float, count: int) -> Parameters:
    """Draw parameters of a norm, in uniformly random directions, R = ``count``."""
    generator = torch.Generator().manual_seed(SEED)
    data_dim, latent_dim = problem.data.shape[1], problem.latent_dim
    size = data_dim * (latent_dim + 1) + latent_dim * (data_dim + 1) + latent_dim
    drawn = torch.randn(count, size, generator=generator, dtype=problem.data.dtype)
    return Parameters.views(radius * drawn / drawn.norm(dim=1, keepdim=True), data_dim, latent_dim)


def smoothness(settings: Settings) -> pd.DataFrame:
    """Measure the Hessian's largest |eigenvalue| at the same random points under every beta.

    One row per radius and beta: ``curvature``, the mean over points with Student's interval; and
    ``rising``, the part of the points where it rises from each beta to the next larger, up to this
    one, with an exact interval; 1 without one for the smallest beta.
    """
    rows = []
    for radius in settings.radii:
        before, rising = None, torch.ones(settings.points, dtype=torch.bool)
        for beta in sorted(settings.betas):
            problem = problem_of(settings, beta=beta)
            found = curvature(problem, random_points(problem, radius, settings.points))
            if before is not None:
                rising &= found > before
            before = found
            row = {"radius": radius, "beta": beta, "points": settings.points}
            row |= mean(found.numpy()).columns("curvature")
            rows.append(row | proportion(int(rising.sum()), settings.points).columns("rising"))
    return pd.DataFrame(rows)
