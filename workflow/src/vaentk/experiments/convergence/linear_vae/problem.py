"""The linear VAE of S1's settings, its data, and how variants of it are trained."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from vaentk.experiments.convergence.linear_vae import (
    AnyEstimator,
    Gaussian,
    OptimiserName,
    Place,
    Variant,
)
from vaentk.experiments.convergence.linear_vae import LinearVae as Settings
from vaentk.models.linear_estimators import Baseline, Estimator, Kind
from vaentk.models.linear_vae import LinearVae, Parameters
from vaentk.training.linear import Problem, Recipe, initial_parameters, log_spaced

ESTIMATORS: Final[dict[AnyEstimator, tuple[Kind, Baseline]]] = {
    "pathwise": ("pathwise", "none"),
    "score": ("score", "none"),
    "score-leave-one-out": ("score", "leave-one-out"),
    "score-mean": ("score", "mean"),
    "iwae": ("iwae", "none"),
}
"""Kind of gradient and control variate of the estimators that settings name."""


def gaussian_data(settings: Gaussian) -> NDArray[np.float64]:
    """Draw the data set, (N, d): ``m + U diag(signal)^(1/2) z + noise^(1/2) e``, U orthonormal."""
    generator = np.random.default_rng(settings.seed)
    dim, size = settings.dim, settings.samples
    basis, _ = np.linalg.qr(generator.standard_normal((dim, len(settings.signal))))
    codes = generator.standard_normal((size, len(settings.signal))) * np.sqrt(settings.signal)
    noise = generator.standard_normal((size, dim)) * np.sqrt(settings.noise)
    data: NDArray[np.float64] = generator.standard_normal(dim) + codes @ basis.T + noise
    return data


def problem_of(settings: Settings, device: str = "cpu", beta: float | None = None) -> Problem:
    """Return the linear VAE of the settings on its data; with another beta where one is given."""
    model = LinearVae(settings.variance, settings.beta if beta is None else beta)
    data = torch.from_numpy(gaussian_data(settings.data)).to(device)
    return Problem(model, data, settings.latent_dim)


def parameters_at(
    place: Place, problem: Problem, settings: Settings, seeds: tuple[int, ...]
) -> Parameters:
    """Return the runs' own starts, or probabilistic PCA's optimum for every run."""
    if place == "start":
        return initial_parameters(problem, seeds, settings.initial_scale)
    best = problem.model.optimum(problem.moments, problem.latent_dim)
    return Parameters(*(t.repeat(len(seeds), *[1] * (t.dim() - 1)) for t in best.tensors()))


def estimator_of(name: AnyEstimator, batch: int, samples: int) -> Estimator:
    """Return the estimator that settings name, with B data points and K samples each."""
    kind, baseline = ESTIMATORS[name]
    return Estimator(kind, batch, samples, baseline)


def recipe_of(settings: Settings, optimiser: OptimiserName, variant: Variant) -> Recipe:
    """Return how a variant is trained by an optimiser."""
    return Recipe(
        optimiser,
        settings.scale(optimiser, variant.estimator),
        variant.power,
        variant.steps,
        estimator_of(variant.estimator, variant.batch, variant.samples),
        log_spaced(variant.steps),
    )
