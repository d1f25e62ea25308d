"""How the latent noise enters a forward pass: in expectation, by one sample a step, or not at all.

All three give the same triple to the same gradients, so one trainer serves them. With
``z = u + sqrt(v) xi`` the exact derivatives of a single draw are ``dphi/du = phi'(z)`` and
``dphi/dv = phi'(z) xi / (2 sqrt(v))``; the latter stands where expectation has ``E phi''(z) / 2``.
"""

from dataclasses import dataclass
from math import inf
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vaentk.activations import Activation, Smoothed

NOISE_STREAM = 1000
"""Stream of random numbers of the noise; the layers' initial weights use the first few."""


class Latent(Protocol):
    """What turns the latent's mean and variance, (S, n, m) each, into outputs and derivatives."""

    @property
    def max_std(self) -> float:
        """Largest standard deviation ``sqrt(v)`` for which it is right."""

    def __call__(self, u: Tensor, v: Tensor, step: int = 0) -> Smoothed:
        """Evaluate at one step of the training (only sampled noise depends on it)."""


@dataclass(frozen=True)
class Sampled:
    """One draw of the noise per member, step, sample and unit, in place of the expectation.

    It depends on the member's seed and the step alone, so a resumed run repeats it.
    """

    activation: Activation
    seeds: tuple[int, ...]
    max_std: float = inf

    def __call__(self, u: Tensor, v: Tensor, step: int = 0) -> Smoothed:
        """Draw once: value, slope, and the derivative by the variance, doubled."""
        xi = torch.stack([_draw(seed, step, u[0]) for seed in self.seeds])
        s = v.sqrt()
        value, slope, _ = self.activation.derivatives(u + s * xi)
        return Smoothed(value, slope, slope * xi / s)


@dataclass(frozen=True)
class Mirrored:
    """`Sampled` noise with the opposite sign: the same law, and a run to average with the other.

    What the noise adds in first order cancels in the average of the two, without bias.
    """

    activation: Activation
    seeds: tuple[int, ...]
    max_std: float = inf

    def __call__(self, u: Tensor, v: Tensor, step: int = 0) -> Smoothed:
        """Draw as `Sampled` does and change the sign."""
        xi = -torch.stack([_draw(seed, step, u[0]) for seed in self.seeds])
        s = v.sqrt()
        value, slope, _ = self.activation.derivatives(u + s * xi)
        return Smoothed(value, slope, slope * xi / s)


@dataclass(frozen=True)
class Noiseless:
    """The deterministic network: the latent is its mean, and W_sigma has no gradient."""

    activation: Activation
    max_std: float = inf

    def __call__(self, u: Tensor, v: Tensor, step: int = 0) -> Smoothed:
        """Apply ``phi`` to the mean."""
        value, slope, _ = self.activation.derivatives(u)
        return Smoothed(value, slope, torch.zeros_like(u))


def _draw(seed: int, step: int, like: Tensor) -> Tensor:
    """Draw standard normal noise of the shape of ``like``, the same on every device."""
    sequence = np.random.SeedSequence((seed, NOISE_STREAM, step))
    generator = torch.Generator().manual_seed(int(sequence.generate_state(1, np.uint64)[0]))
    return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)
