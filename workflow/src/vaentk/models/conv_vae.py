"""The convolutional VAE of disentanglement_lib, for an ensemble of members side by side.

Locatello et al. 2019, Table 1: an encoder of four convolutions and a dense layer, a decoder of two
dense layers and four transposed convolutions, ReLU between them, for images of 64x64 pixels.
Members never meet: convolutions are grouped by member and dense layers are batched products.
"""

from dataclasses import dataclass
from math import prod, sqrt

import torch
from torch import Tensor

from vaentk.models.conv_layers import DECODER, ENCODER, FEATURES, SIDE, shapes
from vaentk.models.convolutions import convolve, convolve_transposed

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class ConvVAE:
    """The architecture; weights are kept apart, members first.

    Attributes
    ----------
    channels : int
        Of an image: 1 or 3.
    latent_dim : int
    """

    channels: int
    latent_dim: int

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw Glorot-uniform weights and zero biases, a generator for each member.

        Returns
        -------
        dict
            float32 (S, ...) by name.
        """
        members = [self._member(torch.Generator().manual_seed(seed)) for seed in seeds]
        return {name: torch.stack([member[name] for member in members]) for name in members[0]}

    def _member(self, generator: torch.Generator) -> Weights:
        drawn = {}
        for name, shape in shapes(self.channels, self.latent_dim).items():
            weight = torch.zeros(shape)
            if not name.endswith("_bias"):
                limit = sqrt(6 / ((shape[0] + shape[1]) * prod(shape[2:])))
                weight.uniform_(-limit, limit, generator=generator)
            drawn[name] = weight
        return drawn

    def encode(self, weights: Weights, images: Tensor) -> tuple[Tensor, Tensor]:
        """Give the posterior's mean and log-variance.

        Parameters
        ----------
        weights : dict of Tensor
            (S, ...) each.
        images : Tensor
            (S, b, c, 64, 64), values 0 to 1: every member sees images of its own.

        Returns
        -------
        tuple of Tensor
            (S, b, latent_dim) each.
        """
        members, batch = images.shape[:2]
        x = images.transpose(0, 1).flatten(1, 2)
        for place, (_, _, padding) in enumerate(ENCODER):
            x = convolve(x, *layer(weights, f"enc_conv{place}"), padding, members).relu_()
        x = x.reshape(batch, members, FEATURES).transpose(0, 1)
        x = dense(weights, "enc_dense", x).relu_()
        return dense(weights, "mean", x), dense(weights, "logvar", x)

    def decode(self, weights: Weights, codes: Tensor) -> Tensor:
        """Give the logits of the pixels: (S, b, latent_dim) to (S, b, c, 64, 64)."""
        members, batch = codes.shape[:2]
        x = dense(weights, "dec_dense0", codes).relu_()
        x = dense(weights, "dec_dense1", x).relu_()
        x = x.transpose(0, 1).reshape(batch, members * 64, 4, 4)
        for place in range(len(DECODER)):
            x = convolve_transposed(x, *layer(weights, f"dec_conv{place}"), members).relu_()
        x = convolve_transposed(x, *layer(weights, f"dec_conv{len(DECODER)}"), members)
        return x.reshape(batch, members, self.channels, SIDE, SIDE).transpose(0, 1)


def layer(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution, the members' one after another as groups."""
    return weights[name].flatten(0, 1), weights[f"{name}_bias"].flatten()


def dense(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Apply a dense layer of every member: (S, b, inputs) to (S, b, outputs)."""
    return torch.baddbmm(weights[f"{name}_bias"][:, None], x, weights[name].mT)
