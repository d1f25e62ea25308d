"""Sizes of VAEs of images and what follows from them, in numbers alone: no torch."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Protocol, Self


class VaeSizes(Protocol):
    """What is known of a network before it is built."""

    @property
    def channels(self) -> int:
        """Of an image."""

    @property
    def side(self) -> int:
        """Of an image, in pixels."""

    @property
    def latent_dim(self) -> int:
        """Units of a code."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight of one member, as torch has it; biases are ``<name>_bias``.

        The decoder's names begin with ``dec``.
        """

    def outputs(self) -> tuple[int, int]:
        """Outputs of all layers for one image: of the encoder, and of the decoder for one code."""

    def operations(self, codes: int = 1) -> int:
        """Floating-point operations of an update for every image: its matrix products alone.

        A multiplication and an addition count as two. Backwards every layer has two products of
        the size of its forward one, but the first has no gradient of its input. Of K codes the
        decoder sees each.
        """


@dataclass(frozen=True)
class ConvSizes:
    """Layers of a convolutional VAE; by default those of disentanglement_lib.

    That is for images of 64x64 pixels (Locatello et al. 2019, Table 1).
    """

    channels: int
    """Of an image."""
    latent_dim: int
    widths: tuple[int, ...] = (32, 32, 64, 64)
    """Channels after each convolution of the encoder; each halves the image."""
    hidden: int = 256
    """Units of the dense layer between the convolutions and the heads."""
    kernels: tuple[int, ...] = (4, 4, 2, 2)
    """Sides of the encoder's kernels: 4 with padding 1, or 2 without."""

    @classmethod
    def of_side(cls, channels: int, latent_dim: int, side: int) -> Self:
        """Size the network for images of 64 pixels a side, or of half of that so many times.

        For smaller images the first convolutions are left out.
        """
        layers = side.bit_length() - 3
        return cls(channels, latent_dim, cls.widths[-layers:], kernels=cls.kernels[-layers:])

    @property
    def side(self) -> int:
        """Of an image, in pixels."""
        return 4 << len(self.widths)

    @property
    def features(self) -> int:
        """Outputs of the last convolution, all 4x4 positions together."""
        return self.widths[-1] * 16

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight, see `VaeSizes`."""
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

    def outputs(self) -> tuple[int, int]:
        """Outputs of all layers, see `VaeSizes`; of a convolution at all its positions."""
        sides = [self.side >> place for place in range(1, len(self.widths) + 1)]
        convolved = sum(w * side**2 for w, side in zip(self.widths, sides, strict=True))
        pixels = self.channels * self.side**2
        return convolved + self.hidden, convolved + pixels + self.hidden + self.features

    def operations(self, codes: int = 1) -> int:
        """Floating-point operations of an update, see `VaeSizes`."""
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


def deep_sizes(channels: int, latent_dim: int, widths: tuple[int, ...], hidden: int) -> ConvSizes:
    """Sizes of a deep Gaussian VAE of Surendran et al. 2024: every kernel has 4x4 pixels."""
    return ConvSizes(channels, latent_dim, widths, hidden, (4,) * len(widths))


@dataclass(frozen=True)
class DenseSizes:
    """Layers of a fully connected VAE, whose decoder mirrors the encoder."""

    channels: int
    side: int
    latent_dim: int
    hidden: tuple[int, ...] = (256, 256)
    """Units of the encoder's hidden layers; the decoder's are these backwards."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight, see `VaeSizes`."""
        pixels = self.channels * self.side**2
        layers = {f"enc_dense{k}": pair for k, pair in enumerate(pairwise((pixels, *self.hidden)))}
        layers |= dict.fromkeys(("mean", "logvar"), (self.hidden[-1], self.latent_dim))
        backwards = pairwise((self.latent_dim, *self.hidden[::-1], pixels))
        layers |= {f"dec_dense{k}": pair for k, pair in enumerate(backwards)}
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (inputs, outputs) in layers.items():
            shapes[name], shapes[f"{name}_bias"] = (outputs, inputs), (outputs,)
        return shapes

    def outputs(self) -> tuple[int, int]:
        """Outputs of all layers, see `VaeSizes`."""
        hidden = sum(self.hidden)
        return hidden, hidden + self.channels * self.side**2

    def operations(self, codes: int = 1) -> int:
        """Floating-point operations of an update, see `VaeSizes`."""
        products = {
            name: prod(shape) * (codes if name.startswith("dec") else 1)
            for name, shape in self.shapes().items()
            if not name.endswith("_bias")
        }
        return 2 * (3 * sum(products.values()) - products["enc_dense0"])
