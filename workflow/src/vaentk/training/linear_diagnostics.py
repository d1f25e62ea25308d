"""What is measured of linear VAEs along a training: the Hessian's size, and gradients' noise."""

from typing import Final

import torch
from torch import Tensor

from vaentk.models.linear_estimators import Estimator, sampled_gradient
from vaentk.models.linear_vae import Parameters
from vaentk.training.linear import Problem

BASE: Final = 4
"""Diagnostic steps are the powers of this number, the start and the end."""

TOGETHER: Final = 2**17
"""Numbers of noise that are drawn together when the noise of gradients is measured."""


def diagnostic_steps(steps: int) -> list[int]:
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
    """Mean of ``|g - E g|^2`` over draws of the estimated gradient, for every run: (R,).

    Unbiased. ``E g`` is the exact gradient of the ELBO; that of the IWAE bound is not known in
    closed form, so that ``iwae`` is taken about the mean of its draws, at least two, and one is
    subtracted from their number.
    """
    exact = problem.model.gradient(parameters, problem.moments).flat()
    runs, latent_dim = parameters.s.shape
    width = runs * estimator.batch * estimator.samples * latent_dim
    most = max(1, TOGETHER // width)
    total, drift = torch.zeros_like(exact[:, 0]), torch.zeros_like(exact)
    for first in range(0, draws, most):
        count = min(most, draws - first)
        copies = Parameters(*(t.repeat(count, *[1] * (t.dim() - 1)) for t in parameters.tensors()))
        drawn = sampled_gradient(problem.model, copies, problem.points, estimator, generator)
        away = drawn.flat().view(count, *exact.shape) - exact
        total += away.square().sum((0, 2))
        drift += away.sum(0)
    if estimator.kind != "iwae":
        return total / draws
    return (total - drift.square().sum(1) / draws) / (draws - 1)
