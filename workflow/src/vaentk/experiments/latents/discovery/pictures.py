"""Figure 4's pictures: what networks of several latent sizes make of the same faces."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.data.image_set import ImageSet
from vaentk.experiments.latents.discovery.measure import carried
from vaentk.models import latent_traversals as traversals
from vaentk.models.conv_vae import ConvVAE, Weights

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Row = dict[str, Any]

UNITS: Final = 8  # rows of the picture of the units of the largest KL
FOUND: Final = 6  # rows of the picture of what the wide network alone finds
SAMPLED: Final = 2  # rows of samples from the prior
PAIRS: Final = 2  # of faces that are interpolated between
ENDS: Final = (0.01, 0.99)  # quantiles of the aggregate posterior that a path goes between


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network and its codes of the test images.

    Attributes
    ----------
    model : ConvVAE
    weights : dict of Tensor
        Of one member, (1, ...) each.
    mean, logvar : Tensor
        Of the posterior of n images, (n, latent_dim).
    """

    model: ConvVAE
    weights: Weights
    mean: Tensor
    logvar: Tensor

    @cached_property
    def sampled(self) -> Tensor:
        """A draw from every image's posterior, the aggregate posterior of all: as `mean`."""
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(self.mean.shape, generator=generator).to(self.mean.device)
        return torch.addcmul(self.mean, noise, (0.5 * self.logvar).exp())

    @cached_property
    def kl(self) -> Tensor:
        """KL of every unit in nats, mean over images: (latent_dim,)."""
        return traversals.kl_of_units(self.mean, self.logvar).mean(dim=0)

    def paths(self, place: int, units: list[int], signs: list[float]) -> Images:
        """Decode paths from one image's code, a row a unit, against its sign where that is -1.

        Returns
        -------
        Images
            uint8 (rows, columns, c, 64, 64), from one to the other of `ENDS`.
        """
        chosen = torch.tensor(units, device=self.mean.device)
        spread = self.sampled[:, chosen].quantile(self.sampled.new_tensor(ENDS), dim=0)
        low, high = spread[..., None]
        steps = torch.linspace(0, 1, traversals.COLUMNS, device=self.mean.device)
        values = low + (high - low) * steps
        against = torch.tensor(signs, device=self.mean.device)[:, None] < 0
        values = torch.where(against, values.flip(1), values)
        given = self.mean[place][None], chosen[None], values[None]
        return traversals.along_units(self.model, self.weights, *given)[0].cpu().numpy()

    @torch.no_grad()
    def decoded(self, codes: Tensor) -> Images:
        """Decode codes (rows, columns, latent_dim): uint8 (rows, columns, c, 64, 64)."""
        logits = self.model.decode(self.weights, codes.flatten(0, 1)[None])[0]
        pixels: Images = traversals.as_pixels(logits).cpu().numpy()
        return pixels.reshape(*codes.shape[:2], *pixels.shape[1:])


def all_of(
    networks: dict[int, Network], table: pd.DataFrame, names: tuple[str, ...], images: ImageSet
) -> tuple[dict[str, Images], dict[str, Any]]:
    """Make all pictures of networks by latent size, and what is to be said of them.

    Parameters
    ----------
    networks
        Of one seed, by latent size.
    table
        Rows of `vaentk.experiments.latents.discovery.measure.discover` of all of them, with latent.
    names
        Of the attributes.
    images : ImageSet
        Those that the codes are of, with attributes.

    Returns
    -------
    pictures
        ``units/<latent>``, ``found`` and ``gallery/<latent>/<kind>``.
    told
        Rows of the first two, and the latent sizes wide and narrow.
    """
    assert images.attributes is not None
    labels = images.attributes.numpy()
    wide, narrow = max(networks), min(networks)
    pictures, rows = {}, {}
    pictures["found"], gained = found(networks[wide], networks[narrow], table, labels)
    for latent, network in networks.items():
        pictures[f"units/{latent}"], rows[latent] = units(network, names, labels)
        for kind, drawn in gallery(network, images).items():
            pictures[f"gallery/{latent}/{kind}"] = drawn
    return pictures, {"wide": wide, "narrow": narrow, "units": rows, "found": gained}


def units(network: Network, names: tuple[str, ...], labels: Labels) -> tuple[Images, list[Row]]:
    """Draw the units of the largest KL from the first image's code.

    Parameters
    ----------
    network : Network
    names, labels
        The attributes and which of the n images have them, (n, attributes).

    Returns
    -------
    images
        uint8 (rows, columns, c, 64, 64)
    rows
        unit, kl, and the attribute that it tells best with its auc, at least 1/2.
    """
    largest = network.kl.topk(min(UNITS, len(network.kl))).indices.tolist()
    attribute, area = carried(network.mean.cpu().numpy(), labels)
    signs = [1.0 if area[unit] >= 0.5 else -1.0 for unit in largest]
    rows = [
        {
            "unit": unit,
            "kl": float(network.kl[unit]),
            "attribute": names[attribute[unit]],
            "auc": float(max(area[unit], 1 - area[unit])),
        }
        for unit in largest
    ]
    return network.paths(0, largest, signs), rows


def found(
    wide: Network, narrow: Network, table: pd.DataFrame, labels: Labels
) -> tuple[Images, list[Row]]:
    """Draw what the wide network finds and the narrow one does not, both on the same faces.

    Parameters
    ----------
    wide, narrow : Network
    table
        Rows of `vaentk.experiments.latents.discovery.measure.discover` of both with latent, the attributes in the
        order of the labels.
    labels
        Which of the n images have an attribute, (n, attributes); drawn is the first without it.

    Returns
    -------
    images
        uint8 (rows, 2, columns, c, 64, 64): the wide network's path, the narrow's.
    rows
        attribute, wide_unit, wide_auc, narrow_unit, narrow_auc; by falling wide_auc.
    """
    sizes = (wide.model.latent_dim, narrow.model.latent_dim)
    first, second = (
        table[table["latent"] == size].reset_index(drop=True).to_dict("records") for size in sizes
    )
    gained = [
        place
        for place, (ours, theirs) in enumerate(zip(first, second, strict=True))
        if ours["discovered"] and not theirs["discovered"] and theirs["unit"] >= 0
    ]
    gained = sorted(gained, key=lambda place: -first[place]["auc"])[:FOUND]
    images, rows = [], []
    for place in gained:
        face = int(labels[:, place].argmin())
        pair = ((wide, first[place]), (narrow, second[place]))
        images.append([net.paths(face, [row["unit"]], [row["sign"]])[0] for net, row in pair])
        row = {"attribute": first[place]["attribute"]}
        for name, (_, known) in zip(("wide", "narrow"), pair, strict=True):
            row |= {f"{name}_unit": known["unit"], f"{name}_auc": known["auc"]}
        rows.append(row)
    shape = (0, 2, traversals.COLUMNS, wide.model.channels, 64, 64)
    return np.array(images, np.uint8) if images else np.zeros(shape, np.uint8), rows


def gallery(network: Network, images: ImageSet) -> dict[str, Images]:
    """Draw faces, their reconstructions, samples from the prior, and what lies between two faces.

    Parameters
    ----------
    network : Network
    images : ImageSet
        Those that the network's codes are of.

    Returns
    -------
    dict
        uint8 (rows, columns, c, 64, 64): ``originals``, ``reconstructions``, ``samples``,
        ``interpolations``.
    """
    columns, mean = traversals.COLUMNS, network.mean
    numbers = torch.arange(columns, device=images.device)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(SAMPLED, columns, mean.shape[1], generator=generator).to(mean.device)
    steps = torch.linspace(0, 1, columns, device=mean.device)[:, None]
    between = torch.stack([mean[2 * i].lerp(mean[2 * i + 1], steps) for i in range(PAIRS)])
    return {
        "originals": images.images(numbers)[None].cpu().numpy(),
        "reconstructions": network.decoded(mean[None, :columns]),
        "samples": network.decoded(drawn),
        "interpolations": network.decoded(between),
    }
