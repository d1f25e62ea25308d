"""The deep Gaussian VAE of settings: its model, its likelihood and its images."""

import torch
from torch import Tensor

from vaentk.bounds.images import ImageSource
from vaentk.bounds.likelihoods import Bernoulli, Gaussian, Likelihood
from vaentk.data.facts import Part
from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.experiments.convergence.deep_vae import DeepNetwork
from vaentk.models.deep_gaussian_vae import deep_vae
from vaentk.models.dense_vae import DenseVAE
from vaentk.models.image_vae import ImageVae
from vaentk.models.nonlinearities import Nonlinearities


def model_of(network: DeepNetwork, channels: int = 3) -> ImageVae:
    """Build the model; weights start as torch's layers do."""
    functions = (
        Nonlinearities.soft_clipping(network.sharpness)
        if network.activation == "soft_clipping"
        else Nonlinearities.named(network.activation)
    )
    if network.model == "dense":
        sizes = channels, network.side, network.latent, network.layers
        return DenseVAE(*sizes, functions, glorot=False, precision=network.precision)
    return deep_vae(channels, network.latent, *network.sizes, functions, network.precision)


def likelihood_of(network: DeepNetwork) -> Likelihood:
    """Build the likelihood of the decoder's outputs."""
    return Bernoulli() if network.likelihood == "bernoulli" else Gaussian(network.deviation)


def source_of(
    network: DeepNetwork, images: ImageSet, part: Part = "train", count: int | None = None
) -> ImageSource:
    """Take the first images of a part, float32 (b, c, side, side), values 0 to 1.

    As many as the network says of the training part, else `count` or all. UserError where there
    are fewer, or they cannot be pooled to the network's side.
    """
    wanted = network.images if part == "train" else count
    numbers = images.of_part(part)
    if not len(numbers) or (wanted is not None and wanted > len(numbers)):
        raise UserError(
            f"{wanted or 'some'} {part} images of {images.facts.name} are asked for, and there "
            f"are {len(numbers)}: lower that number in the run's settings, or choose more data."
        )
    pooled = images.pooled(network.side)

    def pixels(chosen: Tensor) -> Tensor:
        return pooled.images(chosen).float().div_(255)

    return ImageSource(pixels, numbers[:wanted].to(torch.int64))
