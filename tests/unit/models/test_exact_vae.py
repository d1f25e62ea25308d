"""VAEs with exact ELBOs: closed forms against quadrature, Kalman's filter, sampled gradients."""

from typing import get_args

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch.distributions import Bernoulli, Laplace, MultivariateNormal, Normal, Poisson

from vaentk.models.exact_vae import ExactVae, gradient, largest_curvature
from vaentk.models.generalised_linear_vae import (
    LINK_BOUNDS,
    Family,
    GeneralisedLinearVae,
    expected_log_prob,
    log_prob,
)
from vaentk.models.state_space_vae import StateSpaceVae, sequences

FAMILIES = get_args(Family)
COUNTS = torch.tensor([[0.0, 1.0, 3.0], [2.0, 0.0, 1.0]], dtype=torch.float64)
SEQUENCES = sequences(0.9, torch.tensor([1.0, -0.5], dtype=torch.float64), 4, 5, seed=0)
MODELS: dict[str, ExactVae] = {
    family: GeneralisedLinearVae(family, COUNTS.clamp(max=1 + 9 * (family != "bernoulli")), 2)
    for family in FAMILIES
}
MODELS["state space"] = StateSpaceVae(0.9, SEQUENCES)


def parameters(model: ExactVae, runs: int = 1, scale: float = 0.4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(runs)
    return scale * torch.randn(runs, model.size, generator=generator, dtype=torch.float64)


def test_log_probabilities_are_torchs() -> None:
    eta = torch.linspace(-2, 2, 5, dtype=torch.float64)
    x = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    for family, theirs in (
        ("bernoulli", Bernoulli(logits=eta)),
        ("laplace", Laplace(eta, 1)),
        ("poisson", Poisson(eta.exp())),
    ):
        torch.testing.assert_close(log_prob(family, x, eta), theirs.log_prob(x))
    far = torch.tensor([50.0], dtype=torch.float64)
    bounded = log_prob("poisson-clipped", torch.zeros_like(far), far)
    assert float(bounded) == pytest.approx(-np.exp(LINK_BOUNDS[1]))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("deviation", [0.3, 1.5])
def test_expectations_are_scipys_integrals(family: Family, deviation: float) -> None:
    """Adaptive quadrature in one dimension, broken at Laplace's kink: to 1e-6."""
    for x, mean in ((0.0, -1.0), (1.0, 0.7)):
        given = (torch.tensor([v], dtype=torch.float64) for v in (x, mean, deviation**2))
        found = float(expected_log_prob(family, *given))

        def integrand(eta: float, x: float = x, mean: float = mean) -> float:
            value = float(log_prob(family, *(torch.tensor([v]).double() for v in (x, eta))))
            return value * float(stats.norm.pdf(eta, mean, deviation))

        ends = mean - 12 * deviation, mean + 12 * deviation
        exact, _ = integrate.quad(integrand, *ends, points=[x], limit=200, epsabs=1e-10)
        assert found == pytest.approx(exact, abs=1e-6)


def test_the_elbo_is_that_of_torchs_distributions() -> None:
    """Over 400,000 draws of two latent dimensions, against Poisson's log-probability and the KL."""
    model = MODELS["poisson"]
    assert isinstance(model, GeneralisedLinearVae)
    given = parameters(model)
    parts = model.parts(given)
    posterior = Normal(model.data @ parts.v[0].T + parts.a[0], (parts.s[0] / 2).exp())
    generator = torch.Generator().manual_seed(5)
    noise = torch.randn(400_000, 2, 2, generator=generator, dtype=torch.float64)
    z = posterior.loc + posterior.scale * noise
    eta = z @ parts.w[0].T + parts.b[0]
    terms = Poisson(eta.exp()).log_prob(model.data).sum(-1)
    terms += (Normal(0, 1).log_prob(z) - posterior.log_prob(z)).sum(-1)
    per_draw = -terms.mean(dim=1)
    error = float(per_draw.std()) / 400_000**0.5
    assert abs(float(model.loss(given)[0]) - float(per_draw.mean())) < 4 * error


@pytest.mark.parametrize("name", MODELS)
def test_sampled_gradients_average_to_the_exact_one(name: str) -> None:
    """Over 20,000 draws, in units of the mean's standard error: below 4.5 for every parameter."""
    model, draws = MODELS[name], 20_000
    given = parameters(model).requires_grad_()
    exact = gradient(model.loss(given), given)
    many = given.detach().expand(draws, -1).clone().requires_grad_()
    generator = torch.Generator().manual_seed(7)
    numbers = torch.randint(model.points, (draws, 2), generator=generator)
    shape = (draws, 3, 2, *model.noise_shape)
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    drawn = gradient(model.sampled_loss(many, numbers, noise), many)
    errors = drawn.std(dim=0) / draws**0.5
    assert float(((drawn.mean(dim=0) - exact[0]).abs() / errors).max()) < 4.5


def test_runs_do_not_meet() -> None:
    for model in MODELS.values():
        given = parameters(model, 3)
        alone = torch.cat([model.loss(row[None]) for row in given])
        torch.testing.assert_close(model.loss(given), alone, rtol=1e-12, atol=1e-12)


def test_curvature_is_that_of_differences_of_the_gradient() -> None:
    """The Hessian by central differences of 1e-5: to 1e-5 of its largest eigenvalue."""
    for model in MODELS.values():
        given = parameters(model)
        columns = []
        for place in range(model.size):
            step = torch.zeros_like(given)
            step[0, place] = 1e-5
            ends = [(given + sign * step).requires_grad_() for sign in (1, -1)]
            up, down = (gradient(model.loss(end), end)[0] for end in ends)
            columns.append((up - down) / 2e-5)
        expected = torch.linalg.eigvalsh(torch.stack(columns)).abs().max()
        assert float(largest_curvature(model, given)[0]) == pytest.approx(float(expected), rel=1e-5)


def test_kalmans_filter_is_the_dense_gaussian() -> None:
    model = MODELS["state space"]
    assert isinstance(model, StateSpaceVae)
    given = parameters(model)
    c, radius, (count, length, d) = given[0, :2], model.radius, model.data.shape
    covariance = torch.zeros(length, length, dtype=torch.float64)
    variances = [sum(radius ** (2 * k) for k in range(t + 1)) for t in range(length)]
    for first in range(length):
        for second in range(length):
            early = min(first, second)
            covariance[first, second] = variances[early] * radius ** abs(first - second)
    dense = torch.kron(covariance, torch.outer(c, c)) + torch.eye(length * d, dtype=torch.float64)
    whole = MultivariateNormal(torch.zeros(length * d, dtype=torch.float64), dense)
    expected = whole.log_prob(model.data.reshape(count, -1)).mean()
    torch.testing.assert_close(model.log_likelihood(given)[0], expected)


def test_the_elbo_lies_below_the_likelihood_and_touches_it_for_one_step() -> None:
    """With one time the encoder contains the exact posterior."""
    model = StateSpaceVae(0.9, SEQUENCES)
    given = parameters(model, 20)
    assert bool((-model.loss(given) < model.log_likelihood(given)).all())
    one = StateSpaceVae(0.9, SEQUENCES[:, :1])
    c = torch.tensor([0.8, -0.3], dtype=torch.float64)
    variance = 1 / (1 + c @ c)
    exact = torch.cat([c, variance * c, torch.tensor([0.3]).double(), variance.log()[None]])[None]
    torch.testing.assert_close(-one.loss(exact), one.log_likelihood(exact))


def test_sequences_have_the_models_moments() -> None:
    """20,000 sequences: variances of the last time by the recursion, to 5 standard errors."""
    loading = torch.tensor([1.0, 0.5], dtype=torch.float64)
    drawn = sequences(0.8, loading, 3, 20_000, seed=1)
    state = 1 + 0.64 * (1 + 0.64)
    expected = state * torch.outer(loading, loading) + torch.eye(2, dtype=torch.float64)
    found = drawn[:, 2].T @ drawn[:, 2] / 20_000
    errors = ((expected.diag()[:, None] * expected.diag() + expected**2) / 20_000).sqrt()
    assert bool(((found - expected).abs() < 5 * errors).all())
