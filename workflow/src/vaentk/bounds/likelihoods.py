"""What a decoder's outputs say of an image: log p(x|z) in nats, summed over all its pixels."""

from dataclasses import dataclass
from math import log, pi
from typing import Protocol

from torch import Tensor
from torch.nn import functional


class Likelihood(Protocol):
    """A distribution of images given the decoder's outputs."""

    def log_prob(self, outputs: Tensor, images: Tensor) -> Tensor:
        """Evaluate log p(x|z) of outputs (S, K, b, ...) and images (S, b, ...): (S, K, b)."""


@dataclass(frozen=True)
class Bernoulli:
    """Black or white pixels; the outputs are logits.

    Grey pixels from 0 to 1 are weights of the two answers, ``x log p + (1 - x) log(1 - p)``, as
    the authors and most VAEs have it: then it is a loss, and no density of grey images.
    """

    def log_prob(self, outputs: Tensor, images: Tensor) -> Tensor:
        """Evaluate log p(x|z), see `Likelihood`."""
        targets = images[:, None].expand_as(outputs)
        loss = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
        return -loss.flatten(3).sum(dim=3)


@dataclass(frozen=True)
class Gaussian:
    """Pixels with independent Gaussian noise of fixed size; the outputs are their means."""

    scale: float
    """c, the noise's standard deviation in units of a pixel's value."""

    def log_prob(self, outputs: Tensor, images: Tensor) -> Tensor:
        """Evaluate ``-|x - mean|^2 / (2 c^2) - d/2 log(2 pi c^2)``, see `Likelihood`."""
        residual = (outputs - images[:, None]).flatten(3)
        variance = self.scale**2
        constant = residual.shape[3] / 2 * log(2 * pi * variance)
        return residual.square().sum(dim=3) / (-2 * variance) - constant
