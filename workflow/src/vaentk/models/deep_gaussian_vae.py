"""The deep Gaussian VAE of Surendran et al. 2024.

The paper gives the encoder's sizes; that the decoder's last layer is linear (logits of a Bernoulli,
means of a Gaussian) and that layers start as torch starts them are our reading.
"""

from vaentk.errors import UserError
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.nonlinearities import Nonlinearities

SIZES = {64: ((64, 128, 256, 512), 1024), 32: ((32, 64, 128), 256)}
"""Channels of the convolutions and units of the dense layer, for CelebA and CIFAR-100."""


def deep_gaussian_vae(
    side: int, functions: Nonlinearities, channels: int = 3, latent_dim: int = 100
) -> ConvVAE:
    """Build the authors' network for images of 64x64 (CelebA) or 32x32 pixels (CIFAR-100).

    Raises
    ------
    UserError
        For another side.
    """
    if side not in SIZES:
        raise UserError(
            f"the deep Gaussian VAE is for images of 64x64 or 32x32 pixels, not {side}x{side}: "
            "choose another data set."
        )
    return deep_vae(channels, latent_dim, *SIZES[side], functions)


def deep_vae(
    channels: int, latent_dim: int, widths: tuple[int, ...], hidden: int, functions: Nonlinearities
) -> ConvVAE:
    """Build the network with other sizes, every kernel of 4x4 pixels."""
    kernels = (4,) * len(widths)
    return ConvVAE(channels, latent_dim, widths, hidden, functions, kernels, glorot=False)
