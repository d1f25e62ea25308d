"""The deep Gaussian VAE of Surendran et al. 2024.

The paper gives the encoder's sizes; that the decoder's last layer is linear (logits of a Bernoulli,
means of a Gaussian) and that layers start as torch starts them are our reading.
"""

from vaentk.models.conv_vae import ConvVAE
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.models.precision import Precision
from vaentk.models.vae_sizes import deep_sizes


def deep_vae(
    channels: int,
    latent_dim: int,
    widths: tuple[int, ...],
    hidden: int,
    functions: Nonlinearities,
    precision: Precision = "float32",
) -> ConvVAE:
    """Build the network with these convolutions and units of the dense layer."""
    sizes = deep_sizes(channels, latent_dim, widths, hidden)
    return ConvVAE(**vars(sizes), functions=functions, glorot=False, precision=precision)
