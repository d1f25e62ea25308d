"""The linear VAE's closed forms: against autograd, Monte Carlo and what probabilistic PCA knows."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from vaentk.models.linear_vae import LinearVae, Moments, Parameters, append_one

R, N, D, Q = 3, 12, 4, 2
P = D * (Q + 1) + Q * (D + 1) + Q
MODELS = [LinearVae(0.3), LinearVae(0.7, beta=2.5)]


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


DATA = normal(N, D, seed=0) @ normal(D, D, seed=1) + 2
MOMENTS = Moments.of(DATA)
FLAT = 0.6 * normal(R, P, seed=2)
PARAMETERS = Parameters.views(FLAT, D, Q)


def reference(model: LinearVae, flat: Tensor) -> Tensor:
    """The mean ELBO of one run from its definition, no formula of ours and no Monte Carlo.

    2 q points at +-sqrt(q) sigma_j from the mean give the mean of a quadratic under a Gaussian.
    """
    own = Parameters.views(flat, D, Q)
    sigma = (own.s / 2).exp()
    posterior = MultivariateNormal(DATA @ own.v.T + own.a, torch.diag(own.s.exp()))
    steps = math.sqrt(Q) * torch.diag(sigma)
    codes = posterior.mean + torch.cat([steps, -steps])[:, None]
    noise = model.variance * torch.eye(D, dtype=flat.dtype)
    likelihood = MultivariateNormal(codes @ own.w.T + own.b, noise).log_prob(DATA).mean(0)
    identity = torch.eye(Q, dtype=flat.dtype)
    kl = kl_divergence(posterior, MultivariateNormal(torch.zeros(Q).double(), identity))
    return (likelihood - model.beta * kl).mean()


def spectrum(values: list[float]) -> Moments:
    """Data whose covariance has these eigenvalues, in a basis of no special direction."""
    basis = torch.linalg.qr(normal(len(values), len(values), seed=3)).Q
    covariance = basis @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ basis.T
    return Moments(normal(len(values), seed=4), covariance)


def test_parameters_are_told_apart_by_letter_and_by_row() -> None:
    again = Parameters.of(PARAMETERS.w, PARAMETERS.b, PARAMETERS.v, PARAMETERS.a, PARAMETERS.s)
    assert torch.equal(again.flat(), FLAT)
    assert PARAMETERS.w.shape == (R, D, Q)
    assert PARAMETERS.v.shape == (R, Q, D)
    assert torch.equal(PARAMETERS.decoder, torch.cat([again.w, again.b[..., None]], dim=2))
    assert torch.equal(PARAMETERS.encoder, torch.cat([again.v, again.a[..., None]], dim=2))
    assert torch.allclose(PARAMETERS.square(), FLAT.square().sum(1), rtol=1e-14)


def test_moments_are_those_of_the_data() -> None:
    assert torch.allclose(MOMENTS.covariance, torch.cov(DATA.T, correction=0), rtol=1e-12)
    points = append_one(DATA)
    assert torch.allclose(MOMENTS.second, points.T @ points / N, rtol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_elbo_gradient_and_hessian_equal_autograd(model: LinearVae) -> None:
    elbo, gradient = model.elbo(PARAMETERS, MOMENTS), model.gradient(PARAMETERS, MOMENTS).flat()
    hessian = model.hessian(PARAMETERS, MOMENTS)
    assert hessian.shape == (R, P, P)
    for run, flat in enumerate(FLAT):

        def own(flat: Tensor) -> Tensor:
            return reference(model, flat)

        torch.testing.assert_close(elbo[run], own(flat), rtol=1e-12, atol=0)
        first = torch.autograd.functional.jacobian(own, flat)
        torch.testing.assert_close(gradient[run], first, rtol=1e-10, atol=1e-10)
        second = torch.autograd.functional.hessian(own, flat)
        torch.testing.assert_close(hessian[run], second, rtol=1e-10, atol=1e-9)


def test_hessian_product_is_the_hessian_times_each_runs_own_direction() -> None:
    model, direction = MODELS[1], normal(R, P, seed=5)
    product = model.hessian_product(PARAMETERS, Parameters.views(direction, D, Q), MOMENTS)
    expected = (model.hessian(PARAMETERS, MOMENTS) @ direction[:, :, None])[:, :, 0]
    torch.testing.assert_close(product.flat(), expected, rtol=1e-11, atol=1e-11)


def test_elbo_equals_monte_carlo() -> None:
    """A draw of x and z, 200,000 times, from densities alone; |z| < 5 fails one time in 2e6."""
    model, own = MODELS[1], Parameters.views(FLAT[0], D, Q)
    generator = torch.Generator().manual_seed(6)
    x = DATA[torch.randint(N, (200_000,), generator=generator)]
    mean, sigma = x @ own.v.T + own.a, (own.s / 2).exp()
    z = mean + sigma * torch.randn(mean.shape, generator=generator, dtype=mean.dtype)

    def log_density(point: Tensor, centre: Tensor, deviation: Tensor) -> Tensor:
        return torch.distributions.Normal(centre, deviation).log_prob(point).sum(1)

    one = torch.ones_like(sigma)
    likelihood = log_density(x, z @ own.w.T + own.b, torch.tensor(model.variance).sqrt())
    kl = log_density(z, mean, sigma) - log_density(z, 0 * mean, one)
    draws = likelihood - model.beta * kl
    error = draws.std() / math.sqrt(len(draws))
    assert abs(float((draws.mean() - model.elbo(PARAMETERS, MOMENTS)[0]) / error)) < 5


def test_the_elbo_is_below_the_evidence() -> None:
    model = MODELS[0]
    elbo = model.elbo(PARAMETERS, MOMENTS)
    for run in range(R):
        w, b = PARAMETERS.w[run], PARAMETERS.b[run]
        marginal = MultivariateNormal(b, w @ w.T + model.variance * torch.eye(D).double())
        assert elbo[run] < marginal.log_prob(DATA).mean()


def test_the_likelihood_is_that_of_the_gaussian_and_the_optimums_elbo() -> None:
    """Against torch's density of N(b, W W^T + c^2 I), to rounding."""
    for variance in (0.3, 0.7):
        model = LinearVae(variance)
        found = model.log_likelihood(PARAMETERS, MOMENTS)
        covariance = PARAMETERS.w @ PARAMETERS.w.mT + variance * torch.eye(D).double()
        densities = MultivariateNormal(PARAMETERS.b, covariance).log_prob(DATA[:, None])
        assert torch.allclose(found, densities.mean(0), rtol=1e-12)
        best = model.optimum(MOMENTS, Q)
        own = model.log_likelihood(best, MOMENTS)
        assert torch.allclose(own, model.elbo(best, MOMENTS), rtol=1e-12)
        assert (own > found).all()


def test_the_optimum_by_hand() -> None:
    """d = q = 1, variance 4, c = 1: W = sqrt 3, V = sqrt 3 / 4, posterior variance 1/4."""
    moments = Moments(torch.tensor([2.0]).double(), torch.tensor([[4.0]]).double())
    best = LinearVae(1.0).optimum(moments, 1)
    assert abs(float(best.w)) == pytest.approx(math.sqrt(3))
    assert float(best.v / best.w) == pytest.approx(1 / 4)
    assert float(best.a) == pytest.approx(-2 * float(best.v))
    assert float(best.b) == 2
    assert float(best.s.exp()) == pytest.approx(1 / 4)
    elbo = float(LinearVae(1.0).elbo(best, moments))
    assert elbo == pytest.approx(-0.5 * (math.log(2 * math.pi * 4) + 1))


@pytest.mark.parametrize("beta", [1.0, 2.5])
def test_the_optimum_is_a_strict_maximum(beta: float) -> None:
    """Eigenvalues 5, 3, 1.5, 0.8 and 0.2, three units, c^2 = 0.7.

    At beta = 2.5 the third has collapsed, 1.5 being below 1.75. Signs and order apart the maximum
    is unique: a diagonal posterior forbids rotations.
    """
    moments, model = spectrum([5, 3, 1.5, 0.8, 0.2]), LinearVae(0.7, beta)
    best = model.optimum(moments, 3)
    assert float(model.gradient(best, moments).square()) < 1e-24
    collapsed = float(best.w[0, :, 2].norm()) == 0
    assert collapsed == (beta > 2)
    curvature = torch.linalg.eigvalsh(model.hessian(best, moments))
    assert float(curvature.max()) < -1e-3
    other = Parameters.views(best.flat() + 0.3 * normal(500, best.flat().shape[1], seed=7), 5, 3)
    assert bool((model.elbo(other, moments) < model.elbo(best, moments)).all())


def test_the_optimum_may_turn_among_equal_eigenvalues() -> None:
    """One direction, the rotation of two units into each other, is flat; all others go down."""
    moments, model = spectrum([3, 3, 1, 0.5]), LinearVae(0.7)
    best = model.optimum(moments, 2)
    curvature = torch.linalg.eigvalsh(model.hessian(best, moments))[0]
    assert abs(float(curvature[-1])) < 1e-12
    assert float(curvature[-2]) < -1e-3


def test_the_optimal_elbo_is_that_of_probabilistic_pca() -> None:
    """Tipping & Bishop's largest log likelihood: the kept eigenvalues, and c^2 for the others."""
    values, model = [5.0, 3.0, 0.8, 0.2], LinearVae(0.7)
    moments = spectrum(values)
    best = model.optimum(moments, 2)
    elbo = float(model.elbo(best, moments))
    terms = [math.log(5) + 1, math.log(3) + 1, *(math.log(0.7) + v / 0.7 for v in values[2:])]
    assert elbo == pytest.approx(-0.5 * (4 * math.log(2 * math.pi) + sum(terms)), rel=1e-13)


def test_runs_do_not_mix() -> None:
    model, direction = MODELS[1], Parameters.views(normal(R, P, seed=8), D, Q)
    for run in range(R):
        alone = Parameters.views(FLAT[run : run + 1], D, Q)
        towards = Parameters(*(tensor[run : run + 1] for tensor in direction.tensors()))
        pairs = [
            (model.elbo(PARAMETERS, MOMENTS), model.elbo(alone, MOMENTS)),
            (model.gradient(PARAMETERS, MOMENTS).flat(), model.gradient(alone, MOMENTS).flat()),
            (
                model.hessian_product(PARAMETERS, direction, MOMENTS).flat(),
                model.hessian_product(alone, towards, MOMENTS).flat(),
            ),
        ]
        for together, own in pairs:
            torch.testing.assert_close(together[run], own[0], rtol=1e-12, atol=1e-12)
