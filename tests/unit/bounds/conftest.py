"""Linear-Gaussian VAEs, whose evidence, posterior and expected ELBO are known."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from vaentk.bounds.bound import Weights


@dataclass(frozen=True)
class LinearGaussian:
    """p(x|z) = N(W z + b, c^2 I) and q(z|x) = N(V x + a, diag(exp(s))), S members.

    ``dec`` (S, d, q) is W, ``mean`` (S, q, d) is V, ``logvar`` (S, q) is s.
    """

    data_dim: int
    latent_dim: int
    scale: float

    def weights(self, members: int, seed: int) -> Weights:
        generator = torch.Generator().manual_seed(seed)
        d, q = self.data_dim, self.latent_dim
        shapes = {
            "mean": (q, d),
            "mean_bias": (q,),
            "logvar": (q,),
            "dec": (d, q),
            "dec_bias": (d,),
        }
        return {
            name: torch.randn(members, *shape, generator=generator, dtype=torch.float64) / 2
            for name, shape in shapes.items()
        }

    def encode(self, weights: Weights, images: Tensor) -> tuple[Tensor, Tensor]:
        mean = images @ weights["mean"].mT + weights["mean_bias"][:, None]
        return mean, weights["logvar"][:, None].expand_as(mean)

    def decode(self, weights: Weights, codes: Tensor) -> Tensor:
        return codes @ weights["dec"].mT + weights["dec_bias"][:, None]

    def evidence(self, weights: Weights, images: Tensor) -> Tensor:
        """log p(x), (S, b)."""
        w = weights["dec"]
        noise = self.scale**2 * torch.eye(self.data_dim, dtype=w.dtype)
        law = MultivariateNormal(weights["dec_bias"][:, None], (w @ w.mT + noise)[:, None])
        return law.log_prob(images)

    def with_posterior(self, weights: Weights) -> Weights:
        """The same decoder with its posterior as encoder; W^T W must be diagonal."""
        w = weights["dec"]
        precision = (w.mT @ w) / self.scale**2 + torch.eye(self.latent_dim, dtype=w.dtype)
        v = torch.linalg.solve(precision, w.mT / self.scale**2)
        bias = -(v @ weights["dec_bias"][..., None]).squeeze(-1)
        logvar = -precision.diagonal(dim1=-2, dim2=-1).log()
        return weights | {"mean": v, "mean_bias": bias, "logvar": logvar}

    def close(self) -> Weights:
        """One member whose encoder is close to its posterior, and a little wider.

        Wider, so that importance weights have all moments.
        """
        weights = self.weights(1, 1)
        weights["dec"] = torch.tensor([[[1.0, -0.4], [0.0, 0.8], [0.5, 0.8]]]).double()
        weights = self.with_posterior(weights)
        return weights | {
            "mean": weights["mean"] + 0.5,
            "logvar": weights["logvar"] + 0.4,
        }

    def expected_loss(self, weights: Weights, images: Tensor, beta: Tensor) -> Tensor:
        """Expectation of -ELBO over the codes, mean over images: (S,)."""
        mean, logvar = self.encode(weights, images)
        residual = images - self.decode(weights, mean)
        spread = (weights["dec"].square() * weights["logvar"].exp()[:, None]).sum((1, 2))
        squares = residual.square().sum(2) + spread[:, None]
        constant = self.data_dim / 2 * log(2 * pi * self.scale**2)
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(2)
        return (squares / (2 * self.scale**2) + constant + beta[:, None] * kl).mean(1)


@pytest.fixture
def linear() -> LinearGaussian:
    return LinearGaussian(data_dim=3, latent_dim=2, scale=0.7)


@pytest.fixture
def drawn() -> Callable[..., Tensor]:
    """Standard normal numbers in float64."""

    def draw(*shape: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    return draw
