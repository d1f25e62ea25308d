"""Estimated gradients of the linear VAE: draw by draw against autograd, and in the mean.

Statistical assertions are |z| < 5 for each of 19 parameters: for new seeds a case fails by chance
one time in 90,000, were the means normal.
"""

from dataclasses import replace
from math import log

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vaentk.errors import UserError
from vaentk.models import linear_estimators
from vaentk.models.linear_estimators import Estimator, estimate, sampled_gradient
from vaentk.models.linear_integrand import Integrand
from vaentk.models.linear_vae import LinearVae, Moments, Parameters, append_one

N, D, Q = 10, 3, 2
P = D * (Q + 1) + Q * (D + 1) + Q
MODEL = LinearVae(0.5, beta=1.7)
MANY = 20_000

ESTIMATORS = [
    Estimator("pathwise", 1, 1),
    Estimator("pathwise", 3, 4),
    Estimator("pathwise-sampled", 1, 1),
    Estimator("pathwise-sampled", 3, 4),
    Estimator("score", 1, 1),
    Estimator("score", 3, 4),
    Estimator("score", 1, 1, "mean"),
    Estimator("score", 3, 4, "mean"),
    Estimator("score", 3, 4, "leave-one-out"),
    Estimator("iwae", 1, 1),
    Estimator("iwae", 3, 4),
    Estimator("iwae", 3, 4, alpha=0.3),
    Estimator("iwae-dreg", 1, 1),
    Estimator("iwae-dreg", 3, 4),
    Estimator("iwae-dreg", 3, 4, alpha=0.3),
]
UNBIASED = [e for e in ESTIMATORS if not e.weighted or e == Estimator("iwae", 1, 1)]


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def name(estimator: Estimator) -> str:
    sizes = f"{estimator.batch}-{estimator.samples}"
    return f"{estimator.kind}-{sizes}-{estimator.baseline}-{estimator.alpha}"


DATA = normal(N, D, seed=0) @ normal(D, D, seed=1) + 1
POINTS, MOMENTS = append_one(DATA), Moments.of(DATA)
FLAT = 0.5 * normal(P, seed=2)


def copies(flat: Tensor, runs: int) -> Parameters:
    return Parameters.views(flat.expand(runs, -1), D, Q)


def draws(runs: int, estimator: Estimator, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(N, (runs, estimator.batch), generator=generator)
    return POINTS[rows], normal(runs, Q, estimator.samples, estimator.batch, seed=seed + 1)


def log_ratio(own: Parameters, x: Tensor, z: Tensor) -> Tensor:
    """``log p(x|z) + beta (log p(z) - log q(z|x))`` from torch's densities."""
    posterior = Normal(x @ own.v.T + own.a, (own.s / 2).exp())
    likelihood = Normal(z @ own.w.T + own.b, MODEL.variance**0.5).log_prob(x).sum(-1)
    prior = Normal(torch.zeros(Q).double(), 1.0).log_prob(z).sum(-1)
    return likelihood + MODEL.beta * (prior - posterior.log_prob(z).sum(-1))


def surrogate(flat: Tensor, x: Tensor, noise: Tensor, estimator: Estimator) -> Tensor:
    """What autograd differentiates to the estimate, for one run: x (B, d), noise (q, K, B)."""
    own = Parameters.views(flat, D, Q)
    posterior = Normal(x @ own.v.T + own.a, (own.s / 2).exp())
    z = posterior.mean + posterior.stddev * noise.movedim(0, -1)
    if estimator.kind == "pathwise":
        likelihood = Normal(z @ own.w.T + own.b, MODEL.variance**0.5).log_prob(x).sum(-1)
        prior = Normal(torch.zeros(Q).double(), 1.0)
        return (likelihood - MODEL.beta * kl_divergence(posterior, prior).sum(-1)).mean()
    if estimator.kind == "pathwise-sampled":
        return log_ratio(own, x, z).mean()
    power = 1 - estimator.alpha
    if estimator.kind == "iwae":
        return ((power * log_ratio(own, x, z)).logsumexp(0) / power).mean()
    if estimator.kind == "iwae-dreg":
        # Tucker et al.'s form: the encoder of log q held, and the weights of every term.
        held = Parameters(own.decoder, own.encoder.detach(), own.s.detach())
        terms = log_ratio(held, x, z)
        w = (power * terms).softmax(0).detach()
        by_theta = w * log_ratio(held, x, z.detach())
        shares = w - MODEL.beta * power * (w - w**2)
        decoder = Parameters(own.decoder.detach(), held.encoder, held.s)
        return (by_theta + shares * log_ratio(decoder, x, z)).sum(0).mean()
    z = z.detach()
    f = log_ratio(own, x, z).detach()
    if estimator.baseline == "leave-one-out":
        f = torch.stack([f[k] - torch.cat([f[:k], f[k + 1 :]]).mean(0) for k in range(len(f))])
    elif estimator.baseline == "mean":
        steps = Q**0.5 * torch.diag(posterior.stddev.detach()[0])
        around = posterior.mean.detach() + torch.cat([steps, -steps])[:, None]
        f = f - log_ratio(own, x, around).detach().mean(0)
    likelihood = Normal(z @ own.w.T + own.b, MODEL.variance**0.5).log_prob(x).sum(-1)
    return (f * posterior.log_prob(z).sum(-1) + likelihood).mean()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name)
def test_an_estimate_is_autograds_on_the_same_draws(estimator: Estimator) -> None:
    runs = 4
    flat = 0.5 * normal(runs, P, seed=3)
    points, noise = draws(runs, estimator, seed=4)
    found = estimate(MODEL, Parameters.views(flat, D, Q), points, noise, estimator).flat()
    for run in range(runs):

        def own(flat: Tensor, run: int = run) -> Tensor:
            return surrogate(flat, points[run, :, :-1], noise[run], estimator)

        expected = torch.autograd.functional.jacobian(own, flat[run])
        torch.testing.assert_close(found[run], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("estimator", UNBIASED, ids=name)
def test_estimates_are_unbiased(estimator: Estimator) -> None:
    generator = torch.Generator().manual_seed(5)
    found = sampled_gradient(MODEL, copies(FLAT, MANY), POINTS, estimator, generator).flat()
    exact = MODEL.gradient(copies(FLAT, 1), MOMENTS).flat()
    z = (found.mean(0) - exact) / found.std(0) * MANY**0.5
    assert float(z.abs().max()) < 5


def variance(estimator: Estimator, flat: Tensor = FLAT) -> float:
    """Mean squared distance of an encoder's estimated gradient to its mean."""
    generator = torch.Generator().manual_seed(6)
    found = sampled_gradient(MODEL, copies(flat, MANY), POINTS, estimator, generator)
    return float(found.encoder.var(0).sum() + found.s.var(0).sum())


@pytest.mark.parametrize("place", ["a random place", "the optimum"])
def test_control_variates_lower_the_variance(place: str) -> None:
    """By half and more; E[f|x] serves better than another three samples do."""
    flat = FLAT if place == "a random place" else MODEL.optimum(MOMENTS, Q).flat()[0]
    plain = variance(Estimator("score", 2, 4), flat)
    others = variance(Estimator("score", 2, 4, "leave-one-out"), flat)
    mean = variance(Estimator("score", 2, 4, "mean"), flat)
    assert mean < others < plain / 2


def test_a_batchs_variance_falls_as_its_size() -> None:
    """To 5%; the ratio of two sample variances has a standard error of 1 to 2% here."""
    for estimator in (Estimator("pathwise", 1, 2), Estimator("score", 1, 2, "mean")):
        larger = replace(estimator, batch=4)
        assert variance(larger) == pytest.approx(variance(estimator) / 4, rel=0.05)


@pytest.mark.parametrize("estimator", ESTIMATORS[1::2], ids=name)
def test_an_estimate_is_the_mean_over_its_data_points(estimator: Estimator) -> None:
    """To rounding: a batch may be drawn in parts."""
    points, noise = draws(2, replace(estimator, batch=5), seed=7)
    whole = estimate(MODEL, copies(FLAT, 2), points, noise, estimator).flat()
    first = estimate(MODEL, copies(FLAT, 2), points[:, :2], noise[..., :2], estimator).flat()
    rest = estimate(MODEL, copies(FLAT, 2), points[:, 2:], noise[..., 2:], estimator).flat()
    torch.testing.assert_close(whole, (2 * first + 3 * rest) / 5, rtol=1e-12, atol=1e-12)


def test_a_large_batch_is_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two data points at a time where memory has room for two; the same estimate, unbiased."""
    sizes, estimator = [], Estimator("score", 5, 3, "mean")

    def counted(*given: object) -> Parameters:
        points, noise = given[2:4]
        assert isinstance(points, Tensor)
        assert isinstance(noise, Tensor)
        assert noise.numel() <= MANY * 2 * 3 * Q
        sizes.append(points.shape[1])
        return estimate(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(linear_estimators, "NOISE_NUMBERS", MANY * 2 * 3 * Q)
    monkeypatch.setattr(linear_estimators, "estimate", counted)
    generator = torch.Generator().manual_seed(8)
    found = sampled_gradient(MODEL, copies(FLAT, MANY), POINTS, estimator, generator).flat()
    assert sizes == [2, 2, 1]
    exact = MODEL.gradient(copies(FLAT, 1), MOMENTS).flat()
    z = (found.mean(0) - exact) / found.std(0) * MANY**0.5
    assert float(z.abs().max()) < 5
    points, noise = draws(MANY, estimator, seed=9)
    whole = estimate(MODEL, copies(FLAT, MANY), points, noise, estimator).flat()
    assert found.var(0).sum() == pytest.approx(float(whole.var(0).sum()), rel=0.05)


def test_the_integrand_is_the_log_ratio_and_its_mean() -> None:
    own = Parameters.views(FLAT, D, Q)
    points, noise = draws(2, Estimator("iwae", 3, 4), seed=10)
    integrand = Integrand.of(MODEL, copies(FLAT, 2), points)
    x = points[..., :-1].unsqueeze(1)
    z = x @ own.v.T + own.a + (own.s / 2).exp() * noise.movedim(1, -1)
    torch.testing.assert_close(integrand.at(noise), log_ratio(own, x, z), rtol=1e-12, atol=1e-12)
    every = Integrand.of(MODEL, copies(FLAT, 1), POINTS[None]).mean()
    torch.testing.assert_close(every.mean(), MODEL.elbo(copies(FLAT, 1), MOMENTS)[0])


@pytest.mark.parametrize("alpha", [0.0, 0.4])
def test_both_reparametrised_gradients_have_one_mean(alpha: float) -> None:
    """Independent draws of each, K = 3, at beta = 1.7: |z| < 5 for every parameter."""
    found = []
    for seed, kind in enumerate(("iwae", "iwae-dreg")):
        estimator = Estimator(kind, 2, 3, alpha=alpha)  # type: ignore[arg-type]
        generator = torch.Generator().manual_seed(seed)
        found.append(
            sampled_gradient(MODEL, copies(FLAT, MANY), POINTS, estimator, generator).flat()
        )
    error = sum(one.var(0) / MANY for one in found) ** 0.5
    assert float(((found[0].mean(0) - found[1].mean(0)) / error).abs().max()) < 5


def test_vr_iwae_lies_between_iwae_and_elbo() -> None:
    """At alpha = 0 the IWAE's gradient to the last bit; at 1 - 1e-9 the ELBO's, to 1e-7."""
    points, noise = draws(4, Estimator("iwae", 3, 4), seed=4)
    flat = 0.5 * normal(4, P, seed=3)
    own = Parameters.views(flat, D, Q)

    def gradient(estimator: Estimator) -> Tensor:
        return estimate(MODEL, own, points, noise, estimator).flat()

    iwae, elbo = Estimator("iwae", 3, 4), Estimator("pathwise-sampled", 3, 4)
    assert torch.equal(gradient(replace(iwae, alpha=0.0)), gradient(iwae))
    torch.testing.assert_close(
        gradient(replace(iwae, alpha=1 - 1e-9)), gradient(elbo), rtol=1e-7, atol=1e-7
    )
    assert float((gradient(replace(iwae, alpha=0.5)) - gradient(iwae)).abs().max()) > 0.1


def importance_bound(
    model: LinearVae, parameters: Parameters, points: Tensor, noise: Tensor
) -> Tensor:
    """``log (1/K sum_k exp f(x, eps_k))`` of every data point: (R, B)."""
    f = Integrand.of(model, parameters, points).at(noise)
    return f.logsumexp(1) - log(noise.shape[2])


def evidence(model: LinearVae, parameters: Parameters) -> Tensor:
    """``log N(x; b, W W^T + c^2 I)`` of every data point, for the first run."""
    w, b = parameters.w[0], parameters.b[0]
    covariance = w @ w.mT + model.variance * torch.eye(D).double()
    return MultivariateNormal(b, covariance).log_prob(DATA)


def test_the_importance_bound_rises_from_elbo_to_evidence() -> None:
    """Over all data points; neighbours are 10 standard errors apart and more, the ends within 5."""
    model, runs = LinearVae(0.5), 1000
    parameters = copies(FLAT, runs)
    means, errors = [], []
    for samples in (1, 4, 16, 64):
        noise = normal(runs, Q, samples, N, seed=11)
        bound = importance_bound(model, parameters, POINTS.expand(runs, -1, -1), noise).mean(1)
        means.append(float(bound.mean()))
        errors.append(float(bound.std()) / runs**0.5)
    one = copies(FLAT, 1)
    elbo, log_evidence = float(model.elbo(one, MOMENTS)), float(evidence(model, one).mean())
    assert abs(means[0] - elbo) < 5 * errors[0]
    for place in range(3):
        assert means[place + 1] - means[place] > 10 * errors[place]
    assert means[-1] < log_evidence + 5 * errors[-1]


def test_every_draw_at_the_optimum_is_the_evidence() -> None:
    """There q is the posterior, and the importance weights are all alike."""
    model = LinearVae(0.5)
    best = model.optimum(MOMENTS, Q)
    noise = normal(1, Q, 3, N, seed=12)
    bound = importance_bound(model, best, POINTS[None], noise)[0]
    expected = evidence(model, best).expand_as(bound)
    torch.testing.assert_close(bound, expected, rtol=1e-12, atol=1e-12)


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(UserError, match=r"leave-one-out needs two samples or more"):
        Estimator("score", 4, 1, "leave-one-out")
    with pytest.raises(UserError, match=r"baseline mean is for score-function gradients, not for"):
        Estimator("pathwise", 4, 1, "mean")
    with pytest.raises(UserError, match=r"^alpha is 1: set it to 0 or more, and below 1"):
        Estimator("iwae", 4, 2, alpha=1)
    with pytest.raises(UserError, match=r"^alpha is for importance-weighted gradients, not for"):
        Estimator("pathwise", 4, 2, alpha=0.5)
