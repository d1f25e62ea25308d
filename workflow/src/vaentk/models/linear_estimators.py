"""Stochastic gradients of the linear VAE's objective from B data points and K noise samples each.

With ``z = V x + a + sigma eps``, ``sigma = exp(s/2)``, a sample's objective is quadratic in the
noise eps (`Integrand`), so the K samples of a data point enter its gradient by their mean and
second moments alone, and nothing of size B K d is ever made. All gradients are means over data,
written out by hand; data points come with a one appended (`append_one`), as in `linear_vae`.
"""

from dataclasses import dataclass
from typing import Final, Literal, Self

import torch
from torch import Tensor
from torch.nn.functional import embedding

from vaentk.errors import UserError
from vaentk.models.linear_integrand import Integrand, pad_one, residual
from vaentk.models.linear_vae import LinearVae, Parameters

Kind = Literal["pathwise", "pathwise-sampled", "iwae", "iwae-dreg", "score"]
Baseline = Literal["none", "leave-one-out", "mean"]

NOISE_NUMBERS: Final = 2**21
"""Numbers of noise that `sampled_gradient` holds at once, 16 MB, or one data point of each run."""


@dataclass(frozen=True)
class Estimator:
    """How a gradient is estimated.

    ``iwae`` and ``iwae-dreg`` are unbiased for the gradient of the importance-weighted bound, or at
    ``alpha > 0`` of the VR-IWAE bound; all others for that of the ELBO.
    """

    kind: Kind
    """The encoder's gradient: ``pathwise`` goes through z with the KL in closed form;
    ``pathwise-sampled`` has the KL from the same samples; ``iwae`` weighs these by
    ``softmax_k (1 - alpha) f``; ``iwae-dreg`` is the doubly reparametrised gradient of the same
    bound (Tucker et al. 2019); ``score`` is REINFORCE, ``f`` times the gradient of log q. The
    decoder's is the same for both IWAEs, and for all others."""
    batch: int
    """B, data points, drawn uniformly with replacement."""
    samples: int
    """K, draws of the noise for each."""
    baseline: Baseline = "none"
    """Control variate of ``score``, taken from f. ``leave-one-out``: the mean of f over the data
    point's other samples, for K >= 2. ``mean``: ``E[f|x]``, its exact mean over the noise, which
    the linear VAE knows and a deep one would have to learn. Neither depends on the sample that it
    corrects, so the estimate stays unbiased."""
    alpha: float = 0.0
    """Of the VR-IWAE bound ``log mean_k exp((1 - alpha) f_k) / (1 - alpha)`` (Daudel et al. 2023):
    0 is the IWAE, and towards 1 it becomes the ELBO."""

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < 1:
            raise UserError(f"alpha is {self.alpha}: set it to 0 or more, and below 1.")
        if self.alpha and not self.weighted:
            raise UserError(f"alpha is for importance-weighted gradients, not for {self.kind}.")
        if self.baseline != "none" and self.kind != "score":
            raise UserError(
                f"baseline {self.baseline} is for score-function gradients, not for {self.kind}: "
                "set baseline: none."
            )
        if self.baseline == "leave-one-out" and self.samples < 2:
            raise UserError("baseline leave-one-out needs two samples or more: set baseline: mean.")

    @property
    def weighted(self) -> bool:
        """Whether samples enter by their importance weights."""
        return self.kind in ("iwae", "iwae-dreg")


def estimate(
    model: LinearVae, parameters: Parameters, points: Tensor, noise: Tensor, estimator: Estimator
) -> Parameters:
    """Estimate the objective's gradient, uphill, from given draws: a mean over data points.

    Of R runs with points (R, B, d + 1), a one appended, and standard normal noise (R, q, K, B); B
    and K are taken from the shapes.
    """
    if estimator.kind == "score":
        decoding = _Decoding.of(model, parameters, points, noise)
        score = _score(model, parameters, points, noise, estimator.baseline)
        return Parameters(decoding.gradient(), *score)
    weights = None
    if estimator.weighted:
        integrand = Integrand.of(model, parameters, points)
        weights = importance_weights(integrand, noise, estimator.alpha)
    decoding = _Decoding.of(model, parameters, points, noise, weights)
    if weights is not None and estimator.kind == "iwae-dreg":
        # By the score's mean, w - beta (1 - alpha) (w - w^2) in place of w.
        shares = torch.lerp(weights, weights.square(), model.beta * (1 - estimator.alpha))
        by_encoder = _held(parameters, points, integrand, noise, shares)
        return Parameters(decoding.gradient(), *by_encoder)
    sampled = estimator.kind != "pathwise"
    return Parameters(decoding.gradient(), *_pathwise(model, parameters, points, decoding, sampled))


def importance_weights(integrand: Integrand, noise: Tensor, alpha: float = 0.0) -> Tensor:
    """Weigh the samples of a data point by ``softmax_k (1 - alpha) f``: (R, K, B)."""
    return ((1 - alpha) * integrand.at(noise)).softmax(1)


def sampled_gradient(
    model: LinearVae,
    parameters: Parameters,
    points: Tensor,
    estimator: Estimator,
    generator: torch.Generator,
) -> Parameters:
    """Draw data and noise for R runs and estimate the gradient, in memory that B does not move.

    Noise is drawn for as many data points at a time as `NOISE_NUMBERS` allows, at least one of
    every run; a gradient is a mean over them. The data set has a one appended, (N, d + 1); R copies
    of one run give R independent estimates.
    """
    runs, latent_dim = parameters.s.shape
    most = max(1, NOISE_NUMBERS // (runs * estimator.samples * latent_dim))
    total = parameters.zeros_like()
    for first in range(0, estimator.batch, most):
        count = min(most, estimator.batch - first)
        rows = torch.randint(len(points), (runs, count), generator=generator, device=points.device)
        noise = points.new_empty(runs, latent_dim, estimator.samples, count)
        noise.normal_(generator=generator)
        part = estimate(model, parameters, embedding(rows, points), noise, estimator)
        total.add_(part, count / estimator.batch)
    return total


@dataclass(frozen=True, eq=False)
class _Decoding:
    """Samples decoded: those of a data point as one at their mean, and their scatter about it."""

    mean: Tensor
    """Weighted mean of a data point's noise, (R, q, B)."""
    centre: Tensor
    """``V x + a``, (R, q, B)."""
    code: Tensor
    """``(V x + a + sigma mean, 1)``, (R, q + 1, B)."""
    residual: Tensor
    """``(x - W z - b) / c^2`` at these codes, (R, d, B)."""
    scatter: Tensor | None
    """Weighted covariance of a data point's noise about its mean, times sigma from the right, mean
    over data points, (R, q, q); None for one sample, where it is zero."""
    by_scatter: Tensor | None
    """``-W sigma scatter / c^2``, (R, d, q): what it adds to the gradient by W."""

    @classmethod
    def of(
        cls,
        model: LinearVae,
        parameters: Parameters,
        points: Tensor,
        noise: Tensor,
        weights: Tensor | None = None,
    ) -> Self:
        """Decode with equal weights, or with (R, K, B) that sum to 1 over K."""
        sigma = (0.5 * parameters.s).exp().unsqueeze(2)
        mean, covariance = _noise_moments(noise, weights)
        centre = parameters.encoder @ points.mT
        code = pad_one(torch.addcmul(centre, mean, sigma))
        rest = residual(model, parameters, points, code)
        if covariance is None:
            return cls(mean, centre, code, rest, None, None)
        scatter = covariance * sigma.mT
        by_scatter = parameters.w @ (scatter * sigma).div_(-model.variance)
        return cls(mean, centre, code, rest, scatter, by_scatter)

    def gradient(self) -> Tensor:
        """Gradient by the decoder, ``E (x - W z - b) (z, 1)^T / c^2``, (R, d, q + 1)."""
        by_decoder = _mean_product(self.code, self.residual.mT).mT
        if self.by_scatter is not None:
            by_decoder[..., :-1] += self.by_scatter
        return by_decoder


def _mean_product(left: Tensor, right: Tensor) -> Tensor:
    """``left right / B``, (R, n, B) and (R, B, m)."""
    points = right.shape[1]
    if points == 1:
        return left * right  # a fifth of the time of a batched product
    return torch.baddbmm(left.new_zeros(()), left, right, beta=0, alpha=1 / points)


def _noise_moments(noise: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Mean and covariance of `_Decoding`, the latter before its product with sigma."""
    samples, points = noise.shape[2:]
    if samples == 1:
        return noise[:, :, 0], None
    if weights is None:
        mean, weighted, total = noise.mean(2), noise, samples
    else:
        weighted, total = noise * weights.unsqueeze(1), 1
        mean = weighted.sum(2)
    second = weighted.flatten(2) @ noise.flatten(2).mT
    return mean, (second / total - mean @ mean.mT) / points


def _pathwise(
    model: LinearVae, parameters: Parameters, points: Tensor, decoding: _Decoding, sampled: bool
) -> tuple[Tensor, Tensor]:
    """Gradients by encoder and s through the samples.

    ``E g (x, 1)^T`` and ``E sigma g eps / 2`` with the derivative by the code
    ``g = W^T (x - W z - b) / c^2 - beta z``; with the KL in closed form its part of the latter is
    ``-beta (sigma^2 - 1) / 2``.
    """
    w, beta = parameters.w, model.beta
    sigma = (0.5 * parameters.s).exp()
    pull = w.mT @ decoding.residual
    codes = decoding.code[:, :-1] if sampled else decoding.centre
    by_code = torch.sub(pull, codes, alpha=beta)
    by_sigma = ((by_code if sampled else pull) * decoding.mean).mean(2)
    if decoding.scatter is not None and decoding.by_scatter is not None:
        by_sigma += (w * decoding.by_scatter).sum(1) / sigma
        if sampled:
            by_sigma -= beta * decoding.scatter.diagonal(dim1=1, dim2=2)
    entropy = 1 if sampled else 1 - sigma.square()
    by_s = 0.5 * (by_sigma * sigma + beta * entropy)
    return _mean_product(by_code, points), by_s


def _held(
    parameters: Parameters, points: Tensor, integrand: Integrand, noise: Tensor, shares: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients by encoder and s through the samples alone, log q held: the mean of ``u df``.

    In units of the noise the derivative of f is ``l - Q eps``; the samples have shares u, (R, K,
    B), that need not sum to 1. By the encoder ``E sum_k u (l - Q eps) / sigma (x, 1)^T``, by s
    ``E sum_k u (l - Q eps) eps / 2``.
    """
    slope, curvature = integrand.slope, integrand.curvature
    weighted = noise * shares.unsqueeze(1)
    first, count = weighted.sum(2), points.shape[1]
    by_noise = slope * shares.sum(1, keepdim=True) - curvature @ first
    second = weighted.flatten(2) @ noise.flatten(2).mT / count
    by_s = 0.5 * ((slope * first).mean(2) - (curvature * second).sum(2))
    by_centre = by_noise * (-0.5 * parameters.s).exp().unsqueeze(2)
    return _mean_product(by_centre, points), by_s


def _score(
    model: LinearVae, parameters: Parameters, points: Tensor, noise: Tensor, baseline: Baseline
) -> tuple[Tensor, Tensor]:
    """Gradients by encoder and s: the mean of ``(f - baseline) grad log q(z|x)``.

    ``grad log q`` is ``eps / sigma (x, 1)^T`` by the encoder and ``(eps^2 - 1) / 2`` by s.
    """
    samples = noise.shape[2]
    integrand = Integrand.of(model, parameters, points)
    f = integrand.at(noise)
    if baseline == "mean":
        f = f - integrand.mean().unsqueeze(1)
    elif baseline == "leave-one-out":
        f = (f - f.mean(1, keepdim=True)) * (samples / (samples - 1))
    weighted = noise * f.unsqueeze(1)
    by_centre = weighted.mean(2) * (-0.5 * parameters.s).exp().unsqueeze(2)
    squares = (weighted * noise).mean((2, 3))
    by_s = 0.5 * (squares - f.mean((1, 2)).unsqueeze(1))
    return _mean_product(by_centre, points), by_s
