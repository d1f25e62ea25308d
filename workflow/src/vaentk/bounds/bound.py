"""The ELBO and the importance-weighted bound of stacked VAEs, and their gradients.

With K codes ``z_k = mean + exp(logvar/2) eps_k`` of an image and

    l_k = log p(x|z_k) + beta [log p(z_k) - log q(z_k|x)],

the losses are, in nats, ``-1/K sum_k log p(x|z_k) + beta KL(q || p)`` with the KL in closed form
(ELBO; beta-VAE) and ``-log 1/K sum_k exp(l_k)`` (IWAE, Burda et al. 2016). The gradient of the
latter weighs the codes by ``w = softmax_k l``; the doubly reparametrised one (Tucker et al. 2019)
drops the encoder's score, whose mean it knows, and is unbiased for the same gradient.

Memory: one pass through the decoder has a part of the K codes, and autograd holds no more than that
part. The weights need all l_k first, so the importance-weighted gradient in parts decodes twice, at
a third more time; the ELBO's does not. What lies between decoder and encoder is written by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import torch
from jaxtyping import Float
from torch import Tensor

from vaentk.bounds.likelihoods import Likelihood

Weights = dict[str, Tensor]
Estimator = Literal["elbo", "iwae", "iwae-dreg"]
Part = Literal["phi", "theta"]
PARTS: tuple[Part, Part] = ("phi", "theta")


class StackedVAE(Protocol):
    """S networks side by side; the decoder's weights have names that begin with ``dec``."""

    @property
    def latent_dim(self) -> int:
        """Units of a code."""

    def encode(self, weights: Weights, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (S, b, ...) to posterior mean and log-variance, (S, b, latent_dim) each."""

    def decode(self, weights: Weights, codes: Tensor) -> Tensor:
        """Codes (S, b, latent_dim) to what the likelihood takes, (S, b, ...)."""


def part_of(name: str) -> Part:
    """Say whether a weight is the encoder's (phi) or the decoder's (theta)."""
    return "theta" if name.startswith("dec") else "phi"


@dataclass(frozen=True, eq=False)
class Values:
    """A loss and its parts for every image, in nats: (S, b) each."""

    loss: Float[Tensor, "*S_b"]
    """``reconstruction + beta * kl``, or the importance-weighted one, at beta = 1 on average
    between that and ``-log p(x)``."""
    reconstruction: Float[Tensor, "*S_b"]
    """``-1/K sum_k log p(x|z_k)``, sum over pixels and channels."""
    kl: Float[Tensor, "*S_b"]
    """``KL(q(z|x) || N(0, I))`` in closed form, sum over units."""

    @classmethod
    def mean_of(cls, batches: Sequence[Self]) -> Self:
        """Mean over the images of all batches: (S,) each."""
        fields = zip(*((one.loss, one.reconstruction, one.kl) for one in batches), strict=True)
        return cls(*(torch.cat(parts, dim=1).mean(dim=1) for parts in fields))


@dataclass(frozen=True, eq=False)
class _Draw:
    """K codes of every image and the posterior they are from."""

    mean: Float[Tensor, "S b latent_dim"]
    logvar: Float[Tensor, "S b latent_dim"]
    noise: Float[Tensor, "S K b latent_dim"]

    @property
    def deviation(self) -> Tensor:
        """The posterior's standard deviation, (S, 1, b, latent_dim)."""
        return (0.5 * self.logvar).exp()[:, None]

    @property
    def codes(self) -> Tensor:
        """The codes z, (S, K, b, latent_dim)."""
        return torch.addcmul(self.mean[:, None], self.noise, self.deviation)

    def log_ratio(self, codes: Tensor) -> Tensor:
        """``log p(z) - log q(z|x)`` of the codes, (S, K, b)."""
        terms = self.noise.square() - codes.square() + self.logvar[:, None]
        return 0.5 * terms.sum(dim=3)

    def kl(self) -> Tensor:
        """``KL(q || p)`` in closed form, (S, b)."""
        terms = self.mean.square() + self.logvar.exp() - 1 - self.logvar
        return 0.5 * terms.sum(dim=2)


@dataclass(frozen=True)
class Bound:
    """A bound of a model, and how its gradient is estimated.

    Its methods take weights (S, ...) by name, images of which every member sees its own, standard
    normal noise of K codes of each, and beta, the weight of the KL.
    """

    model: StackedVAE
    likelihood: Likelihood
    estimator: Estimator = "elbo"
    """``elbo``; ``iwae`` with the pathwise gradient; ``iwae-dreg`` with the doubly reparametrised
    one for phi, which at K = 1 is the pathwise gradient without the score (Roeder et al. 2017). The
    gradient of theta is the same for both."""
    codes_at_once: int | None = None
    """Of the K codes of an image, how many are decoded together; all where None."""

    def values(
        self,
        weights: Weights,
        images: Float[Tensor, "S b *image"],
        noise: Float[Tensor, "S K b latent_dim"],
        beta: Float[Tensor, " S"],
    ) -> Values:
        """Evaluate the loss of every image, without a gradient."""
        draw, log_prob = self._evaluated(weights, images, noise)
        return self._values(draw, log_prob, self._ratio(draw, draw.codes, beta), beta)

    def shares(
        self,
        weights: Weights,
        images: Float[Tensor, "S b *image"],
        noise: Float[Tensor, "S K b latent_dim"],
        beta: Float[Tensor, " S"],
    ) -> Float[Tensor, "S K b"]:
        """Give the importance weights ``w = softmax_k l_k`` of every image's codes.

        They sum to one over K; ``1 / sum_k w^2`` is the effective number of codes.
        """
        draw, log_prob = self._evaluated(weights, images, noise)
        ratio = beta[:, None, None] * draw.log_ratio(draw.codes)
        return (log_prob + ratio).softmax(dim=1)

    def gradient(
        self,
        weights: Weights,
        images: Float[Tensor, "S b *image"],
        noise: Float[Tensor, "S K b latent_dim"],
        beta: Float[Tensor, " S"],
    ) -> tuple[Values, Weights]:
        """Evaluate the loss, and estimate the gradient of every member's mean over its images.

        The gradient, (S, ...) by the names of the weights, points uphill; however the codes are
        parted it is the same to rounding.
        """
        leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        with torch.enable_grad():
            heads = self.model.encode(leaves, images)
        draw = _Draw(heads[0].detach(), heads[1].detach(), noise)
        values, shares, by_codes, found = self._through_decoder(leaves, images, draw, beta)
        by_heads = self._by_heads(draw, shares, by_codes, beta)
        phi = {name: leaf for name, leaf in leaves.items() if part_of(name) == "phi"}
        back = torch.autograd.grad(heads, list(phi.values()), by_heads)
        found |= dict(zip(phi, back, strict=True))
        # Some are transposed, and would be copied anew by all that reads them in a row.
        return values, {name: found[name].contiguous() for name in weights}

    @torch.no_grad()
    def _evaluated(self, weights: Weights, images: Tensor, noise: Tensor) -> tuple[_Draw, Tensor]:
        """Draw codes, and evaluate log p(x|z) of them, (S, K, b)."""
        draw = _Draw(*self.model.encode(weights, images), noise)
        log_prob = [self._log_prob(weights, part, images) for part in self._parted(draw.codes)]
        return draw, torch.cat(log_prob, dim=1)

    def _log_prob(self, weights: Weights, codes: Tensor, images: Tensor) -> Tensor:
        """Evaluate log p(x|z) of codes (S, k, b, latent_dim): (S, k, b)."""
        outputs = self.model.decode(weights, codes.flatten(1, 2))
        outputs = outputs.reshape(*codes.shape[:3], *outputs.shape[2:])
        return self.likelihood.log_prob(outputs, images)

    def _parted(self, of_codes: Tensor) -> tuple[Tensor, ...]:
        """Split something of all codes, (S, K, ...), into what is decoded together."""
        return torch.split(of_codes, self.codes_at_once or of_codes.shape[1], dim=1)

    def _ratio(self, draw: _Draw, codes: Tensor, beta: Tensor) -> Tensor | None:
        """``beta [log p(z) - log q(z|x)]`` of the codes, (S, K, b); None for the ELBO."""
        return None if self.estimator == "elbo" else beta[:, None, None] * draw.log_ratio(codes)

    def _values(self, draw: _Draw, log_prob: Tensor, ratio: Tensor | None, beta: Tensor) -> Values:
        """Values from log p(x|z) of the codes, (S, K, b), and what `_ratio` gives."""
        reconstruction, kl = -log_prob.mean(dim=1), draw.kl()
        if ratio is None:
            return Values(reconstruction + beta[:, None] * kl, reconstruction, kl)
        count = torch.full_like(kl, log_prob.shape[1]).log()
        return Values(count - torch.logsumexp(log_prob + ratio, dim=1), reconstruction, kl)

    def _through_decoder(
        self, leaves: Weights, images: Tensor, draw: _Draw, beta: Tensor
    ) -> tuple[Values, Tensor, Tensor, Weights]:
        """Go through the decoder and back.

        Gives the values, the codes' shares w in the gradient, (S, K, b), and the derivatives of
        ``-1/b sum_kb w log p(x|z)`` by the codes, (S, K, b, latent_dim), and by theta.
        """
        theta = {name: leaf for name, leaf in leaves.items() if part_of(name) == "theta"}
        codes = draw.codes
        ratio = self._ratio(draw, codes, beta)
        parts = [part.detach().requires_grad_() for part in self._parted(codes)]
        once, seen = len(parts) == 1, []
        shares = codes.new_full(codes.shape[:3], 1 / codes.shape[1])
        if ratio is not None:
            with torch.set_grad_enabled(once):
                seen = [self._log_prob(leaves, part, images) for part in parts]
            shares = (torch.cat(seen, dim=1).detach() + ratio).softmax(dim=1)
        log_prob, by_codes = [], []
        totals: list[Tensor] = []
        for part, share in zip(parts, self._parted(shares), strict=True):
            with torch.enable_grad():
                found = seen[0] if seen and once else self._log_prob(leaves, part, images)
            inputs = [part, *theta.values()]
            by_part, *back = torch.autograd.grad(found, inputs, share / -images.shape[1])
            log_prob.append(found.detach())
            by_codes.append(by_part)
            if not totals:
                totals = back
                continue
            for total, gradient in zip(totals, back, strict=True):
                total += gradient
        values = self._values(draw, torch.cat(log_prob, dim=1), ratio, beta)
        return values, shares, torch.cat(by_codes, dim=1), dict(zip(theta, totals, strict=True))

    def _by_heads(
        self, draw: _Draw, shares: Tensor, by_codes: Tensor, beta: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Derivatives of the mean loss by posterior mean and log-variance, (S, b, latent_dim)."""
        images = by_codes.shape[2]
        weight = beta[:, None, None, None] / images
        if self.estimator == "elbo":
            by_mean = weight[:, 0] * draw.mean
            by_logvar = weight[:, 0] / 2 * (draw.logvar.exp() - 1)
        elif self.estimator == "iwae":
            by_codes = by_codes + weight * shares[..., None] * draw.codes
            by_mean, by_logvar = beta.new_zeros(()), -weight[:, 0] / 2
        else:
            by_mean = by_logvar = beta.new_zeros(())
            by_ratio = draw.codes - draw.noise / draw.deviation
            by_codes = by_codes + weight * shares[..., None] * by_ratio
            # w (1 - beta) + beta w^2 in place of w: w^2 of Tucker et al. 2019 where beta is 1.
            by_codes = by_codes * (1 + beta[:, None, None] * (shares - 1))[..., None]
        by_mean = by_mean + by_codes.sum(dim=1)
        by_logvar = by_logvar + (by_codes * draw.noise * draw.deviation).sum(dim=1) / 2
        return by_mean, by_logvar
