"""Convolutional VAEs whose decoder mirrors the encoder, for an ensemble of members side by side.

Convolutions of stride 2 down to 4x4 positions, a dense layer, two heads; then the same backwards,
with transposed convolutions of 4x4 pixels. Members never meet: convolutions are grouped by member
and dense layers are batched products.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod, sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from vaentk.models.convolutions import convolve, convolve_transposed
from vaentk.models.nonlinearities import Nonlinearities

Weights = dict[str, Tensor]
RELU = Nonlinearities(torch.relu_)


@dataclass(frozen=True)
class ConvVAE:
    """The architecture; weights are kept apart, members first.

    By default that of disentanglement_lib for images of 64x64 pixels (Locatello et al. 2019,
    Table 1).
    """

    channels: int
    """Of an image."""
    latent_dim: int
    widths: tuple[int, ...] = (32, 32, 64, 64)
    """Channels after each convolution of the encoder; each halves the image."""
    hidden: int = 256
    """Units of the dense layer between the convolutions and the heads."""
    functions: Nonlinearities = RELU
    kernels: tuple[int, ...] = (4, 4, 2, 2)
    """Sides of the encoder's kernels: 4 with padding 1, or 2 without."""
    glorot: bool = True
    """Whether weights start Glorot-uniform and biases at zero, or all as torch's layers do."""

    @property
    def side(self) -> int:
        """Of an image, in pixels."""
        return 4 << len(self.widths)

    @property
    def features(self) -> int:
        """Outputs of the last convolution, all 4x4 positions together."""
        return self.widths[-1] * 16

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight of one member, as torch has it; biases are ``<name>_bias``.

        The decoder's names begin with ``dec``.
        """
        shapes: dict[str, tuple[int, ...]] = {}
        sizes = (self.channels, *self.widths)
        for place, (before, after) in enumerate(pairwise(sizes)):
            shapes[f"enc_conv{place}"] = (after, before, *[self.kernels[place]] * 2)
            shapes[f"enc_conv{place}_bias"] = (after,)
        for name, outputs, inputs in (
            ("enc_dense", self.hidden, self.features),
            ("mean", self.latent_dim, self.hidden),
            ("logvar", self.latent_dim, self.hidden),
            ("dec_dense0", self.hidden, self.latent_dim),
            ("dec_dense1", self.features, self.hidden),
        ):
            shapes[name] = (outputs, inputs)
            shapes[f"{name}_bias"] = (outputs,)
        for place, (before, after) in enumerate(pairwise(sizes[::-1])):
            shapes[f"dec_conv{place}"] = (before, after, 4, 4)
            shapes[f"dec_conv{place}_bias"] = (after,)
        return shapes

    def operations(self, codes: int = 1) -> int:
        """Floating-point operations of an update for every image: its matrix products alone.

        A multiplication and an addition count as two. Backwards every layer has two products of
        the size of its forward one, but the first has no gradient of its input. Of K codes the
        decoder sees each.
        """
        products = {}
        for name, shape in self.shapes().items():
            # A kernel is used once a pixel of the smaller of its two images.
            side = 1
            if "_conv" in name:
                place = int(name.removesuffix("_bias")[-1])
                side = self.side >> (place + 1) if name.startswith("enc") else 4 << place
            seen = codes if name.startswith("dec") else 1
            products[name] = 0 if name.endswith("_bias") else seen * prod(shape) * side**2
        return 2 * (3 * sum(products.values()) - products["enc_conv0"])

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw every weight and bias uniformly, a generator for each member: float32 (S, ...).

        Glorot's limit is ``sqrt(6 / (fan-in + fan-out))``, torch's ``1/sqrt(fan-in)``. A fan is
        channels times the kernel's positions; of a transposed convolution torch takes that of the
        *outputs* for the fan-in, and so do we.
        """
        members = [self._member(torch.Generator().manual_seed(seed)) for seed in seeds]
        return {name: torch.stack([member[name] for member in members]) for name in members[0]}

    def _member(self, generator: torch.Generator) -> Weights:
        drawn, shapes = {}, self.shapes()
        for name, shape in shapes.items():
            drawn[name] = torch.zeros(shape)
            outputs, inputs, *positions = shapes[name.removesuffix("_bias")]
            limit = 1 / sqrt(inputs * prod(positions))
            if self.glorot:
                limit = sqrt(6 / ((outputs + inputs) * prod(positions)))
            if not (self.glorot and name.endswith("_bias")):
                drawn[name].uniform_(-limit, limit, generator=generator)
        return drawn

    def encode(
        self, weights: Weights, images: Float[Tensor, "S b c side side"]
    ) -> tuple[Float[Tensor, "S b q"], Float[Tensor, "S b q"]]:
        """Give the posterior's mean and log-variance; every member sees images of its own.

        Pixels are from 0 to 1, weights (S, ...) by name.
        """
        members, batch = images.shape[:2]
        x = images.transpose(0, 1).flatten(1, 2)
        for place, side in enumerate(self.kernels):
            kernel, bias = layer(weights, f"enc_conv{place}")
            x = self.functions.hidden(convolve(x, kernel, bias, side // 2 - 1, members))
        x = x.reshape(batch, members, self.features).transpose(0, 1)
        x = self.functions.hidden(dense(weights, "enc_dense", x))
        mean, logvar = dense(weights, "mean", x), dense(weights, "logvar", x)
        return self.functions.mean(mean), self.functions.logvar(logvar)

    def decode(
        self, weights: Weights, codes: Float[Tensor, "S b q"]
    ) -> Float[Tensor, "S b c side side"]:
        """Give the pixels' logits (of a Bernoulli) or means (of a Gaussian)."""
        members, batch = codes.shape[:2]
        x = self.functions.hidden(dense(weights, "dec_dense0", codes))
        x = self.functions.hidden(dense(weights, "dec_dense1", x))
        x = x.transpose(0, 1).reshape(batch, members * self.widths[-1], 4, 4)
        last = len(self.widths) - 1
        for place in range(last):
            kernel, bias = layer(weights, f"dec_conv{place}")
            x = self.functions.hidden(convolve_transposed(x, kernel, bias, members))
        x = convolve_transposed(x, *layer(weights, f"dec_conv{last}"), members)
        return x.reshape(batch, members, self.channels, self.side, self.side).transpose(0, 1)


def layer(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution, the members' one after another as groups."""
    return weights[name].flatten(0, 1), weights[f"{name}_bias"].flatten()


def dense(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Apply a dense layer of every member: (S, b, inputs) to (S, b, outputs)."""
    return torch.baddbmm(weights[f"{name}_bias"][:, None], x, weights[name].mT)
