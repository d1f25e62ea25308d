"""VAEs of images, an ensemble of members side by side: what all of them have, and their weights."""

from math import prod, sqrt
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from vaentk.models.vae_sizes import VaeSizes

Weights = dict[str, Tensor]


class ImageVae(VaeSizes, Protocol):
    """The architecture; weights (S, ...) are kept apart, members first. Members never meet."""

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw every weight, see `draw_weights`."""

    def encode(
        self, weights: Weights, images: Float[Tensor, "S b c side side"]
    ) -> tuple[Float[Tensor, "S b q"], Float[Tensor, "S b q"]]:
        """Give the posterior's mean and log-variance; every member sees images of its own.

        Pixels are from 0 to 1.
        """

    def decode(
        self, weights: Weights, codes: Float[Tensor, "S b q"]
    ) -> Float[Tensor, "S b c side side"]:
        """Give the pixels' logits (of a Bernoulli) or means (of a Gaussian)."""


def draw_weights(sizes: VaeSizes, seeds: tuple[int, ...], glorot: bool) -> Weights:
    """Draw every weight and bias uniformly, a generator for each member: float32 (S, ...).

    Glorot's limit is ``sqrt(6 / (fan-in + fan-out))`` and his biases are zero, torch's limit is
    ``1/sqrt(fan-in)`` for both. A fan is channels times the kernel's positions; of a transposed
    convolution torch takes that of the *outputs* for the fan-in, and so do we.
    """
    shapes = sizes.shapes()
    members = [_member(shapes, torch.Generator().manual_seed(seed), glorot) for seed in seeds]
    return {name: torch.stack([member[name] for member in members]) for name in shapes}


def _member(
    shapes: dict[str, tuple[int, ...]], generator: torch.Generator, glorot: bool
) -> Weights:
    drawn = {}
    for name, shape in shapes.items():
        drawn[name] = torch.zeros(shape)
        outputs, inputs, *positions = shapes[name.removesuffix("_bias")]
        limit = 1 / sqrt(inputs * prod(positions))
        if glorot:
            limit = sqrt(6 / ((outputs + inputs) * prod(positions)))
        if not (glorot and name.endswith("_bias")):
            drawn[name].uniform_(-limit, limit, generator=generator)
    return drawn


def dense(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Apply a dense layer of every member: (S, b, inputs) to (S, b, outputs)."""
    return torch.baddbmm(weights[f"{name}_bias"][:, None], x, weights[name].mT)
