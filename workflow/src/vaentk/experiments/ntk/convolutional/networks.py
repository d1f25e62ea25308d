"""The convolutional network of a run and its limit kernels."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.experiments.ntk.convolutional import Convolutional
from vaentk.experiments.ntk.networks import GROWTH
from vaentk.kernels.limit import LimitKernels
from vaentk.kernels.patch_limit import patch_kernels
from vaentk.models.conv_snn import ConvolutionalNetwork, patches

Array = NDArray[np.float64]


def network(
    x: Tensor, seeds: tuple[int, ...], *, settings: Convolutional, channels: int, tolerance: float
) -> ConvolutionalNetwork:
    """Build the network on images (n, d), its noise in expectation."""
    cut = patches(x, settings.filter_size, settings.stride)
    # The latent's initial standard deviation is sigma0 times the norm of a patch.
    reach = settings.sigma0 * GROWTH * float(torch.linalg.vector_norm(cut, dim=2).max())
    smoothing = Smoothing(ACTIVATIONS[settings.activation], reach, tolerance)
    return ConvolutionalNetwork(
        cut, x.shape[1], channels, settings.sigma0, smoothing, settings.trained
    )


def limit_of(settings: Convolutional, x: Array) -> tuple[Array, LimitKernels]:
    """Return the limit kernel of the layers that are trained, (n, n), and all three kernels."""
    cut = patches(torch.from_numpy(x), settings.filter_size, settings.stride).numpy()
    parts = patch_kernels(ACTIVATIONS[settings.activation], settings.sigma0, cut)
    kernel: Array = sum(getattr(parts, name) for name in settings.trained)
    return kernel, parts
