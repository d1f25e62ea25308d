"""What a stochastic network's forward pass leaves behind, and what its gradients start from."""

from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from vaentk.models.gradient import LayerGradient
from vaentk.models.latent import Latent

Weights = dict[str, Tensor]
"""Weight matrices by layer name, each (S, p, q): S members side by side."""


@dataclass(frozen=True)
class Forward:
    """One forward pass over all n samples of all S members.

    ``outputs`` are ``f_hat(x)``, exact expectations over the Gaussian latent ``z``, whose ``mean``
    and ``variance`` these are; ``value``, ``slope`` and ``curvature`` are ``E phi(z)``,
    ``E phi'(z)`` and ``E phi''(z)``; ``hidden`` and ``hidden_slopes`` are ``phi`` and ``phi'`` of
    the layers below the latent one, first to last, none for Eq. 2.
    """

    outputs: Float[Tensor, "S n d"]
    mean: Float[Tensor, "S n m"]
    variance: Float[Tensor, "S n m"]
    value: Float[Tensor, "S n m"]
    slope: Float[Tensor, "S n m"]
    curvature: Float[Tensor, "S n m"]
    hidden: tuple[Tensor, ...] = ()
    hidden_slopes: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Cotangent:
    """Derivatives of an objective by the three things it may depend on.

    Those by latent mean and variance go through the KL term only; None where there is none.
    """

    outputs: Float[Tensor, "S n d"]
    mean: Float[Tensor, "S n m"] | None = None
    variance: Float[Tensor, "S n m"] | None = None


@dataclass(frozen=True)
class Tangent:
    """Directional derivatives of outputs and of the latent's mean and variance."""

    outputs: Float[Tensor, "S n d"]
    mean: Float[Tensor, "S n m"]
    variance: Float[Tensor, "S n m"]


class Model(Protocol):
    """A stochastic network on fixed inputs, as the trainer sees it."""

    @property
    def smoothing(self) -> Latent:
        """How the noise enters the latent's activation: exact expectation unless configured."""

    @property
    def trained(self) -> tuple[str, ...]:
        """Layers that gradient descent moves; the others stay at their initial weights."""

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw the initial weights of every member."""

    def forward(self, weights: Weights, step: int = 0) -> Forward:
        """Evaluate the network on all samples, at a step of training (for sampled noise)."""

    def gradients(
        self, weights: Weights, forward: Forward, cotangent: Cotangent
    ) -> dict[str, LayerGradient]:
        """Pull a cotangent back to every trained weight matrix: the transposed Jacobian."""

    def push_forward(self, weights: Weights, forward: Forward, direction: Weights) -> Tangent:
        """Push a direction in the trained weights forward: the Jacobian."""
