"""What a trained VAE makes of images: codes, reconstructions, paths along single units."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vaentk.data.grid import Grid
from vaentk.data.image_set import ImageSet
from vaentk.models.image_vae import ImageVae, Weights

BLOCK: Final = 512  # images encoded at once
ROWS, COLUMNS = 5, 9  # of a strip


def part_of(grid: Grid, every: tuple[int, ...] | None) -> tuple[Grid, NDArray[np.int64]]:
    """Take every so-manieth value of each factor.

    Gives the smaller grid, and the numbers of its images in the whole one, in its order.
    """
    steps = every or (1,) * len(grid.sizes)
    kept = [np.arange(0, size, step) for size, step in zip(grid.sizes, steps, strict=True)]
    part = Grid(grid.names, tuple(map(len, kept)))
    values = part.values(np.arange(len(part)))
    chosen = np.stack([k[values[:, place]] for place, k in enumerate(kept)], axis=1)
    return part, grid.indices(chosen)


@torch.no_grad()
def encode(
    model: ImageVae, weights: Weights, images: ImageSet, numbers: NDArray[np.int64]
) -> tuple[Tensor, Tensor]:
    """Encode images by number with every member: mean and log-variance, (S, n, latent_dim).

    On the CPU, block by block: codes of a whole data set may be larger than a GPU's memory.
    """
    members, latent = len(weights["mean"]), model.latent_dim
    mean, logvar = (torch.empty(members, len(numbers), latent) for _ in range(2))
    done = 0
    for batch in _batches(images, numbers, members):
        block = slice(done, done + batch.shape[1])
        mean[:, block], logvar[:, block] = model.encode(weights, batch)
        done = block.stop
    return mean, logvar


def random_codes(images: int, latent_dim: int, seed: int) -> Tensor:
    """Codes that know nothing of the images, standard normal: float32 (images, latent_dim)."""
    return torch.randn(images, latent_dim, generator=torch.Generator().manual_seed(seed))


def kl_of_units(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL of each unit's posterior to the standard normal prior, in nats; as `mean` is shaped."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar)


@torch.no_grad()
def reconstructions(
    model: ImageVae, weights: Weights, images: ImageSet, numbers: NDArray[np.int64]
) -> Tensor:
    """Images above what their posterior means decode to: uint8 (S, 2, n, c, h, w)."""
    mean, _ = encode(model, weights, images, numbers)
    seen = images.images(torch.from_numpy(numbers).to(images.device))
    decoded = as_pixels(model.decode(weights, mean.to(images.device)))
    return torch.stack([seen.expand_as(decoded), decoded], dim=1)


@torch.no_grad()
def reconstruction_error(
    model: ImageVae,
    weights: Weights,
    images: ImageSet,
    numbers: NDArray[np.int64],
    mean: Tensor,
) -> Tensor:
    """Bernoulli negative log-likelihood of images given what codes ``mean`` decode to.

    (S,) in nats, sum over pixels and channels, mean over images.
    """
    total = torch.zeros(len(mean), device=images.device)
    batches = _batches(images, numbers, len(mean))
    for codes, pixels in zip(torch.split(mean, BLOCK, dim=1), batches, strict=True):
        logits = model.decode(weights, codes.to(images.device))
        nats = functional.binary_cross_entropy_with_logits(logits, pixels, reduction="none")
        total += nats.sum(dim=(1, 2, 3, 4))
    return total / len(numbers)


def _batches(
    images: ImageSet, numbers: NDArray[np.int64], members: int
) -> Iterator[Float[Tensor, "S b c h w"]]:
    """Blocks of images from 0 to 1, the same for all members."""
    for chosen in torch.split(torch.from_numpy(numbers), BLOCK):
        pixels = images.images(chosen.to(images.device)).float().div_(255)
        yield pixels.expand(members, -1, -1, -1, -1)


def as_pixels(logits: Tensor) -> Tensor:
    """Bernoulli means of logits as uint8, 0 to 255."""
    return (255 * logits.sigmoid()).round().to(torch.uint8)


def strips(model: ImageVae, weights: Weights, mean: Tensor, logvar: Tensor, place: int) -> Tensor:
    """Decode paths along the units that carry most, a row each, from the code of image ``place``.

    uint8 (S, rows, 9, c, h, w): units by falling KL of the posteriors (S, n, latent_dim), each
    from the 5% to the 95% quantile of its means.
    """
    kl = torch.stack([kl_of_units(*own).mean(dim=0) for own in zip(mean, logvar, strict=True)])
    units = kl.topk(min(ROWS, model.latent_dim), dim=1).indices
    # Of the units that are shown alone: sorting all of them takes as much memory again.
    shown = torch.stack([own[:, chosen] for own, chosen in zip(mean, units, strict=True)])
    low, high = shown.float().quantile(torch.tensor([0.05, 0.95]), dim=1)[..., None]
    values = low + (high - low) * torch.linspace(0, 1, COLUMNS)
    return along_units(model, weights, mean[:, place], units, values)


@torch.no_grad()
def along_units(
    model: ImageVae, weights: Weights, mean: Tensor, units: Tensor, values: Tensor
) -> Tensor:
    """Decode paths that move one unit of a code (S, latent_dim) and leave the others.

    Units (S, rows) are set to values (S, rows, columns) in turn; the Bernoulli means are uint8
    (S, rows, columns, c, h, w), on the weights' device.
    """
    members, rows, columns = values.shape
    codes = mean[:, None, None, :].repeat(1, rows, columns, 1)
    codes.scatter_(3, units[:, :, None, None].expand(-1, -1, columns, 1), values[..., None])
    device = next((weight.device for weight in weights.values()), codes.device)
    pixels = as_pixels(model.decode(weights, codes.flatten(1, 2).to(device)))
    return pixels.view(members, rows, columns, *pixels.shape[2:])
