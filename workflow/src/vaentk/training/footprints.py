"""Memory of one member of an ensemble while it is trained on a GPU, from its sizes.

Counted are weights, gradients, Adam's averages, what backpropagation keeps and what a recorded
graph needs; not the workspaces, for which `vaentk.runtime.memory` leaves a reserve. Tests hold
the estimates against tensors counted on a CPU: never below, at most 3.5 times as much.
"""

from math import prod
from typing import Final

from vaentk.models.vae_sizes import VaeSizes

NUMBER: Final = {"float32": 4, "float64": 8}
"""Bytes of a number."""

FLOAT: Final = NUMBER["float32"]
KEPT: Final = 2
"""Tensors for every output of a layer: the output itself and its gradient or a copy."""

KEPT_DEEP: Final = 3
"""The same where other functions than ReLU may follow a layer."""

UPDATED: Final = 5
"""Copies of the weights: they, two averages, and the gradient, also that of before a recording."""

TABLES: Final = 1_500_000
"""Numbers that the latent's smoothing takes at any width."""


def vae_member(model: VaeSizes, batch: int) -> int:
    """Bytes of one beta-VAE of images in training."""
    return UPDATED * _weights(model) + activations(model, batch, 1, KEPT)


def deep_member(model: VaeSizes, batch: int, codes: int) -> int:
    """Bytes of one deep Gaussian VAE in training; ``codes`` of an image are decoded together.

    A batch's gradient is computed half by half, and that of either half is kept.
    """
    return (UPDATED + 3) * _weights(model) + activations(model, batch // 2, codes)


def noise_repetition(model: VaeSizes, batch: int, codes: int) -> int:
    """Bytes of one gradient of one member, of B images and so many codes decoded together.

    Its mean and its square are summed in double precision.
    """
    return 8 * _weights(model) + activations(model, batch, codes)


def activations(model: VaeSizes, batch: int, codes: int, kept: int = KEPT_DEEP) -> int:
    """Bytes of what backpropagation through one VAE of images keeps."""
    encoder, decoder = model.outputs()
    pixels = model.channels * model.side**2
    return FLOAT * kept * batch * (encoder + pixels + codes * (decoder + pixels))


def eq2_member(n: int, d: int, m: int, dtype: str, kept: int) -> int:
    """Bytes of one member of Eq. 2's network in training.

    Of n samples, d inputs and width m, whose outputs are kept at ``kept`` recorded steps. Following
    gradient flow takes nine vectors as long as the weights, and a tenth while the power iteration's
    first is drawn.
    """
    return NUMBER[dtype] * (31 * m * d + 22 * n * m + (6 + kept) * n * d + TABLES)


def figure2_member(n: int, d: int, m: int, dtype: str, kept: int) -> int:
    """Bytes of one member of Figure 2's network in training; see `eq2_member`."""
    numbers = 33 * m * m + 20 * m * d + 33 * n * m + (7 + kept) * n * d + TABLES
    return NUMBER[dtype] * numbers


def _weights(model: VaeSizes) -> int:
    return FLOAT * sum(map(prod, model.shapes().values()))
