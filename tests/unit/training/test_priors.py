"""KL terms to a Laplace density and to a mixture: adaptive quadrature and autograd."""

from collections.abc import Callable
from itertools import pairwise
from math import exp, inf, log, sqrt

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import laplace, norm
from torch import Tensor

from vaentk.training.objectives import Divergence
from vaentk.training.priors import APART, laplace_kl, mixture_kl

Density = Callable[[float, float, float], float]

PRIORS = [laplace_kl, mixture_kl]
TOLERANCE = {laplace_kl: 1e-12, mixture_kl: 1e-7}
"""Closed form, and the mixture's quadrature for posteriors up to the prior's width."""


def log_laplace(z: float, mean: float, variance: float) -> float:
    return float(laplace.logpdf(z, mean, sqrt(variance / 2)))


def log_mixture(z: float, mean: float, variance: float) -> float:
    apart, deviation = sqrt(APART * variance), sqrt((1 - APART) * variance)
    parts = [norm.logpdf(z, mean + sign * apart, deviation) for sign in (-1, 1)]
    return float(torch.logsumexp(torch.tensor(parts, dtype=torch.float64), 0)) - log(2)


DENSITIES: dict[Divergence, Density] = {laplace_kl: log_laplace, mixture_kl: log_mixture}


def units() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One member, two samples, three units: shifts to two deviations, variances to the prior's."""
    mean0 = torch.tensor([[[0.3, -1.0, 0.0], [0.2, 0.5, -0.4]]], dtype=torch.float64)
    variance0 = torch.tensor([[[0.25, 1.0, 0.01], [0.3, 0.7, 2.0]]], dtype=torch.float64)
    shifts = torch.tensor([[[0.0, 2.0, -1.0], [0.5, -0.3, 1.2]]], dtype=torch.float64)
    part = torch.tensor([[[1.0, 0.5, 0.2], [0.9, 0.7, 0.05]]], dtype=torch.float64)
    return mean0 + shifts * variance0.sqrt(), part * variance0, mean0, variance0


@pytest.mark.parametrize("prior", PRIORS)
def test_divergence_is_the_integral_of_its_definition(prior: Divergence) -> None:
    """``E [log q - log p]``, integrated adaptively; sum over units, mean over samples."""
    mean, variance, mean0, variance0 = units()
    integrals = []
    for u, v, u0, v0 in zip(*(part.flatten().tolist() for part in units()), strict=True):

        def integrand(
            z: float, u: float = u, v: float = v, u0: float = u0, v0: float = v0
        ) -> float:
            log_q = norm.logpdf(z, u, sqrt(v))
            return float(exp(log_q) * (log_q - DENSITIES[prior](z, u0, v0)))

        ends = [u - 12 * sqrt(v), u0, u + 12 * sqrt(v)]
        integrals.append(sum(quad(integrand, *pair)[0] for pair in pairwise(ends)))
    kl, _, _ = prior(mean, variance, mean0, variance0)
    assert kl.shape == (1,)
    assert float(kl) == pytest.approx(sum(integrals) / 2, abs=max(TOLERANCE[prior], 1e-9))


@pytest.mark.parametrize("prior", PRIORS)
def test_derivatives_are_those_of_the_divergence(prior: Divergence) -> None:
    """Against autograd, which differentiates the mixture's nodes themselves: to its quadrature."""
    mean, variance, mean0, variance0 = units()
    mean.requires_grad_()
    variance.requires_grad_()
    kl, by_mean, by_variance = prior(mean, variance, mean0, variance0)
    expected = torch.autograd.grad(kl.sum(), (mean, variance))
    scale = {"atol": 100 * TOLERANCE[prior], "rtol": 100 * TOLERANCE[prior]}
    assert torch.allclose(by_mean, expected[0], **scale)
    assert torch.allclose(by_variance, expected[1], **scale)


@pytest.mark.parametrize("prior", PRIORS)
def test_a_prior_has_the_latent_variance_and_mean_of_the_start(prior: Divergence) -> None:
    """No pull on the mean there, and a finite divergence, above zero: neither prior is Gaussian."""
    _, _, mean0, variance0 = units()
    kl, by_mean, _ = prior(mean0, variance0, mean0, variance0)
    assert float(kl) > 1e-3
    assert float(by_mean.abs().max()) < 1e-12


@pytest.mark.parametrize("density", DENSITIES.values())
def test_densities_of_the_tests_have_mass_one_and_the_variance_given(density: Density) -> None:
    def moment(power: int) -> float:
        return float(quad(lambda z: z**power * exp(density(z, 0.0, 0.5)), -inf, inf)[0])

    assert [moment(power) for power in (0, 1, 2)] == pytest.approx([1, 0, 0.5], abs=1e-7)
