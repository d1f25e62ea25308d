"""Which pictures Figure 4 shows, decoded by networks of several sizes from the same faces."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.data.image_set import ImageSet
from vaentk.models.image_vae import ImageVae, Weights
from vaentk.models.latent_traversals import COLUMNS, along_units, as_pixels

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Row = dict[str, Any]

FOUND: Final = 6  # rows of the picture of what the wide network tells better
SAMPLED: Final = 2  # rows of samples from the prior
PAIRS: Final = 2  # of faces that are interpolated between
DIFFERENCE: Final = ("difference", "difference_low", "difference_high")
ENDS: Final = (0.01, 0.99)  # quantiles of the aggregate posterior that a path goes between


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network and its codes of the test images."""

    model: ImageVae
    weights: Weights  # of one member, (1, ...) each
    mean: Tensor  # of the posterior of n images, (n, latent_dim)
    logvar: Tensor

    @cached_property
    def sampled(self) -> Tensor:
        """A draw from every image's posterior, the aggregate posterior of all: as `mean`."""
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(self.mean.shape, generator=generator).to(self.mean.device)
        return torch.addcmul(self.mean, noise, (0.5 * self.logvar).exp())

    def paths(self, place: int, units: list[int], signs: list[float]) -> Images:
        """Decode paths from one image's code, one row per unit, against its sign where that is -1.

        From one to the other of `ENDS`: uint8 (rows, columns, c, h, w).
        """
        chosen = torch.tensor(units, device=self.mean.device)
        spread = self.sampled[:, chosen].quantile(self.sampled.new_tensor(ENDS), dim=0)
        low, high = spread[..., None]
        steps = torch.linspace(0, 1, COLUMNS, device=self.mean.device)
        values = low + (high - low) * steps
        against = torch.tensor(signs, device=self.mean.device)[:, None] < 0
        values = torch.where(against, values.flip(1), values)
        given = self.mean[place][None], chosen[None], values[None]
        return along_units(self.model, self.weights, *given)[0].cpu().numpy()

    @torch.no_grad()
    def decoded(self, codes: Tensor) -> Images:
        """Decode codes (rows, columns, latent_dim): uint8 (rows, columns, c, h, w)."""
        logits = self.model.decode(self.weights, codes.flatten(0, 1)[None])[0]
        pixels: Images = as_pixels(logits).cpu().numpy()
        return pixels.reshape(*codes.shape[:2], *pixels.shape[1:])


def decode_all(
    networks: dict[int, Network], table: pd.DataFrame, compared: pd.DataFrame, images: ImageSet
) -> tuple[dict[str, Images], dict[str, Any]]:
    """Decode all pictures of networks by latent size, all of one seed, and say what rows are.

    The pictures are ``found`` and ``gallery/<latent>/<kind>``; then come the rows of ``found``, all
    latent sizes, and of these wide and narrow. The table has the rows of `measure_size` of all
    networks, with latent; compared is `told_better`'s.
    """
    assert images.attributes is not None
    labels = images.attributes.numpy()
    wide, narrow = max(networks), min(networks)
    pictures = {}
    pair = networks[wide], networks[narrow]
    pictures["found"], found_rows = told_better(*pair, table, compared, labels)
    for latent, network in networks.items():
        for kind, decoded in gallery(network, images).items():
            pictures[f"gallery/{latent}/{kind}"] = decoded
    return pictures, {
        "wide": wide,
        "narrow": narrow,
        "latents": list(networks),
        "found": found_rows,
    }


def told_better(
    wide: Network, narrow: Network, table: pd.DataFrame, compared: pd.DataFrame, labels: Labels
) -> tuple[Images, list[Row]]:
    """Decode the best units for the attributes that the wide size tells better by most.

    Compared has difference and its ends by attribute, of all seeds; attributes whose difference
    is not above zero are left out. Images are uint8 (rows, 2, columns, c, h, w): the wide network's
    path and the narrow's, from the first face without the attribute. Rows by falling difference.
    """
    of_wide, of_narrow = (
        table[table["latent"] == network.model.latent_dim].set_index("attribute").to_dict("index")
        for network in (wide, narrow)
    )
    places = {name: place for place, name in enumerate(of_wide)}
    better = compared[compared["difference"] > 0].nlargest(FOUND, "difference")
    shape = (len(better), 2, COLUMNS, wide.model.channels, wide.model.side, wide.model.side)
    images, rows = np.zeros(shape, np.uint8), []
    for image, row in zip(images, better.to_dict("records"), strict=True):
        name = row["attribute"]
        face = int(labels[:, places[name]].argmin())
        described = {key: row[key] for key in ("attribute", *DIFFERENCE)}
        for side, (size, network, measured) in enumerate(
            (("wide", wide, of_wide[name]), ("narrow", narrow, of_narrow[name]))
        ):
            image[side] = network.paths(face, [measured["unit"]], [measured["sign"]])[0]
            described |= {f"{size}_unit": measured["unit"], f"{size}_auc": measured["auc"]}
        rows.append(described)
    return images, rows


def gallery(network: Network, images: ImageSet) -> dict[str, Images]:
    """Take faces, their reconstructions, samples from the prior, and what lies between two faces.

    All uint8 (rows, columns, c, h, w).
    """
    columns, mean = COLUMNS, network.mean
    numbers = torch.arange(columns, device=images.device)
    generator = torch.Generator().manual_seed(0)
    prior = torch.randn(SAMPLED, columns, mean.shape[1], generator=generator).to(mean.device)
    steps = torch.linspace(0, 1, columns, device=mean.device)[:, None]
    between = torch.stack([mean[2 * i].lerp(mean[2 * i + 1], steps) for i in range(PAIRS)])
    return {
        "originals": images.images(numbers)[None].cpu().numpy(),
        "reconstructions": network.decoded(mean[None, :columns]),
        "samples": network.decoded(prior),
        "interpolations": network.decoded(between),
    }
