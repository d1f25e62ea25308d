"""The deep Gaussian VAE of Surendran et al. 2024, for an ensemble of members side by side.

Convolutions of 4x4 pixels and stride 2 down to 4x4 positions, a dense layer, two heads; the decoder
is the encoder's mirror image. The paper gives the encoder's sizes; that the decoder's last layer is
linear (logits of a Bernoulli, means of a Gaussian) and that layers start as torch starts them are
our reading. Members never meet, as in `vaentk.models.conv_vae`.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod, sqrt

import torch
from torch import Tensor

from vaentk.errors import UserError
from vaentk.models.conv_vae import Weights, dense, layer
from vaentk.models.convolutions import convolve, convolve_transposed
from vaentk.models.nonlinearities import Nonlinearities

CELEBA_WIDTHS, CELEBA_HIDDEN = (64, 128, 256, 512), 1024
CIFAR_WIDTHS, CIFAR_HIDDEN = (32, 64, 128), 256


@dataclass(frozen=True)
class DeepGaussianVAE:
    """The architecture; weights are kept apart, members first.

    Attributes
    ----------
    channels : int
        Of an image.
    latent_dim : int
    widths : tuple of int
        Channels after each convolution of the encoder; each halves the image.
    hidden : int
        Units of the dense layer between the convolutions and the heads.
    functions : Nonlinearities
    """

    channels: int
    latent_dim: int
    widths: tuple[int, ...]
    hidden: int
    functions: Nonlinearities

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
        found: dict[str, tuple[int, ...]] = {}
        sizes = (self.channels, *self.widths)
        for place, (before, after) in enumerate(pairwise(sizes)):
            found[f"enc_conv{place}"] = (after, before, 4, 4)
            found[f"enc_conv{place}_bias"] = (after,)
        for name, outputs, inputs in (
            ("enc_dense", self.hidden, self.features),
            ("mean", self.latent_dim, self.hidden),
            ("logvar", self.latent_dim, self.hidden),
            ("dec_dense0", self.hidden, self.latent_dim),
            ("dec_dense1", self.features, self.hidden),
        ):
            found[name] = (outputs, inputs)
            found[f"{name}_bias"] = (outputs,)
        for place, (before, after) in enumerate(pairwise(sizes[::-1])):
            found[f"dec_conv{place}"] = (before, after, 4, 4)
            found[f"dec_conv{place}_bias"] = (after,)
        return found

    def operations(self, codes: int = 1) -> int:
        """Floating-point operations of an update for every image: its matrix products alone.

        A multiplication and an addition count as two; backwards every layer has two products of
        the size of its forward one. Of K codes the decoder sees each.
        """
        encoder = decoder = 0
        for name, shape in self.shapes().items():
            if name.endswith("_bias"):
                continue
            # A kernel is used once a pixel of the smaller of its two images.
            place = int(name[-1]) if "_conv" in name else 0
            side = self.side >> (place + 1) if name.startswith("enc_conv") else 4 << place
            size = prod(shape) * (side * side if "_conv" in name else 1)
            if name.startswith("dec"):
                decoder += size
            else:
                encoder += size
        return 6 * (encoder + codes * decoder)

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw every weight and bias as torch's layers do, a generator for each member.

        Uniform within ``1/sqrt(fan-in)``. The fan-in is inputs times the kernel's positions; of a
        transposed convolution torch counts *outputs* times positions, and so do we.

        Returns
        -------
        dict
            float32 (S, ...) by name.
        """
        members = [self._member(torch.Generator().manual_seed(seed)) for seed in seeds]
        return {name: torch.stack([member[name] for member in members]) for name in members[0]}

    def _member(self, generator: torch.Generator) -> Weights:
        drawn, shapes = {}, self.shapes()
        for name, shape in shapes.items():
            limit = 1 / sqrt(prod(shapes[name.removesuffix("_bias")][1:]))
            drawn[name] = torch.empty(shape).uniform_(-limit, limit, generator=generator)
        return drawn

    def encode(self, weights: Weights, images: Tensor) -> tuple[Tensor, Tensor]:
        """Give the posterior's mean and log-variance.

        Parameters
        ----------
        weights : dict of Tensor
            (S, ...) each.
        images : Tensor
            (S, b, c, side, side): every member sees images of its own.

        Returns
        -------
        tuple of Tensor
            (S, b, latent_dim) each.
        """
        members, batch = images.shape[:2]
        x = images.transpose(0, 1).flatten(1, 2)
        for place in range(len(self.widths)):
            kernel, bias = layer(weights, f"enc_conv{place}")
            x = self.functions.hidden(convolve(x, kernel, bias, 1, members))
        x = x.reshape(batch, members, self.features).transpose(0, 1)
        x = self.functions.hidden(dense(weights, "enc_dense", x))
        mean, logvar = dense(weights, "mean", x), dense(weights, "logvar", x)
        return self.functions.mean(mean), self.functions.logvar(logvar)

    def decode(self, weights: Weights, codes: Tensor) -> Tensor:
        """Give the pixels' logits or means: (S, b, latent_dim) to (S, b, c, side, side)."""
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


def deep_gaussian_vae(
    side: int, functions: Nonlinearities, channels: int = 3, latent_dim: int = 100
) -> DeepGaussianVAE:
    """Build the authors' network for images of 64x64 (CelebA) or 32x32 pixels (CIFAR-100).

    Raises
    ------
    UserError
        For another side.
    """
    if side == 64:
        return DeepGaussianVAE(channels, latent_dim, CELEBA_WIDTHS, CELEBA_HIDDEN, functions)
    if side == 32:
        return DeepGaussianVAE(channels, latent_dim, CIFAR_WIDTHS, CIFAR_HIDDEN, functions)
    raise UserError(
        f"the deep Gaussian VAE is for images of 64x64 or 32x32 pixels, not {side}x{side}: "
        "choose another data set."
    )
