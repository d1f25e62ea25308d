"""Layers of the convolutional VAE of disentanglement_lib: their sizes and what they cost."""

from math import prod
from typing import Final

SIDE: Final = 64
ENCODER: Final = ((32, 4, 1), (32, 4, 1), (64, 2, 0), (64, 2, 0))  # channels, kernel, padding
DECODER: Final = (64, 32, 32)  # channels; then those of the image; kernel 4, padding 1
FEATURES: Final = 64 * 4 * 4
HIDDEN: Final = 256


def shapes(channels: int, latent_dim: int) -> dict[str, tuple[int, ...]]:
    """Shape of every weight, as torch has it; biases are ``<name>_bias``."""
    found: dict[str, tuple[int, ...]] = {}
    before = channels
    for place, (after, kernel, _) in enumerate(ENCODER):
        found[f"enc_conv{place}"] = (after, before, kernel, kernel)
        before = after
    found["enc_dense"] = (HIDDEN, FEATURES)
    found["mean"] = (latent_dim, HIDDEN)
    found["logvar"] = (latent_dim, HIDDEN)
    found["dec_dense0"] = (HIDDEN, latent_dim)
    found["dec_dense1"] = (FEATURES, HIDDEN)
    before = 64
    for place, after in enumerate((*DECODER, channels)):
        found[f"dec_conv{place}"] = (before, after, 4, 4)
        before = after
    return found | {f"{name}_bias": (_outputs(name, shape),) for name, shape in found.items()}


def operations(channels: int, latent_dim: int, batch: int) -> int:
    """Floating-point operations of one update of one network: its matrix products alone.

    A multiplication and an addition count as two. Backwards every layer has two products of the
    size of its forward one; the first layer has no gradient of its input.
    """
    kernels = {n: s for n, s in shapes(channels, latent_dim).items() if not n.endswith("_bias")}
    forward = {name: _multiplications(name, shape) for name, shape in kernels.items()}
    return 2 * batch * (3 * sum(forward.values()) - forward["enc_conv0"])


def _multiplications(name: str, shape: tuple[int, ...]) -> int:
    """Of one image: a kernel is used once a pixel of the smaller of its two images."""
    side = 1
    if name.startswith("enc_conv"):
        side = SIDE >> (int(name[-1]) + 1)
    elif name.startswith("dec_conv"):
        side = 4 << int(name[-1])
    return prod(shape) * side * side


def _outputs(name: str, shape: tuple[int, ...]) -> int:
    """Outputs of a layer: a transposed convolution has them second."""
    return shape[1] if name.startswith("dec_conv") else shape[0]
