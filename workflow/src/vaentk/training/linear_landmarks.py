"""The linear VAE of S1's settings: its data and recipes; curvature and noise along a training."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.experiments.convergence.linear_vae import (
    EstimatorName,
    Gaussian,
    OptimiserName,
    Variant,
)
from vaentk.experiments.convergence.linear_vae import LinearVae as Settings
from vaentk.models.linear_estimators import Baseline, Estimator, Kind, sampled_gradient
from vaentk.models.linear_vae import LinearVae, Parameters
from vaentk.training.linear import Problem, Recipe, log_spaced

ESTIMATORS: Final[dict[EstimatorName, tuple[Kind, Baseline]]] = {
    "pathwise": ("pathwise", "none"),
    "score": ("score", "none"),
    "score-leave-one-out": ("score", "leave-one-out"),
    "score-mean": ("score", "mean"),
}
"""Kind of gradient and control variate of the estimators that settings name."""

BASE: Final = 4
"""Landmarks are the powers of this number, the start and the end."""

TOGETHER: Final = 2**17
"""Numbers of noise that are drawn together when the noise of gradients is measured."""


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


def estimator_of(name: EstimatorName, batch: int, samples: int) -> Estimator:
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


def landmarks(steps: int) -> list[int]:
    """Iterates at which curvature and noise are measured: 0, powers of `BASE` and the last."""
    powers = [BASE**k for k in range(steps.bit_length()) if BASE**k < steps]
    return [0, *powers, steps]


def curvature(problem: Problem, parameters: Parameters) -> Tensor:
    """Largest ``|eigenvalue|`` of every run's Hessian, (R,): what smoothness must be at least."""
    hessian = problem.model.hessian(parameters, problem.moments)
    largest: Tensor = torch.linalg.eigvalsh(hessian).abs().amax(-1)
    return largest


def gradient_noise(
    problem: Problem,
    parameters: Parameters,
    estimator: Estimator,
    draws: int,
    generator: torch.Generator,
) -> Tensor:
    """Mean of ``|g - grad L|^2`` over draws of the estimated gradient, for every run: (R,).

    Unbiased for the estimator's variance ``E|g - grad L|^2``, as the exact gradient is known.
    """
    exact = problem.model.gradient(parameters, problem.moments).flat()
    runs, latent_dim = parameters.s.shape
    width = runs * estimator.batch * estimator.samples * latent_dim
    most = max(1, TOGETHER // width)
    total = torch.zeros_like(exact[:, 0])
    for first in range(0, draws, most):
        count = min(most, draws - first)
        copies = _repeated(parameters, count)
        drawn = sampled_gradient(problem.model, copies, problem.points, estimator, generator)
        away = drawn.flat().view(count, *exact.shape) - exact
        total += away.square().sum((0, 2))
    return total / draws


def _repeated(parameters: Parameters, count: int) -> Parameters:
    """Copies of R runs under each other, (count R, ...)."""
    tensors: Sequence[Tensor] = parameters.tensors()
    return Parameters(*(t.repeat(count, *[1] * (t.dim() - 1)) for t in tensors))
