"""Figure 4's measures: attributes that single units carry, by latent size, and pictures (W6)."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from vaentk.data.facts import PARTS
from vaentk.data.image_set import ImageSet
from vaentk.data.stored import Stored
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.discovery.attributes import discover
from vaentk.experiments.latents.discovery.decoded_pictures import Network, decode_all
from vaentk.experiments.latents.discovery.latent_sizes import compare, counts
from vaentk.metrics import active_units
from vaentk.models.conv_vae import ConvVAE


def measure(settings: Discovery, *, images: Stored, codes: Mapping[int, Stored]) -> dict[str, Any]:
    """Say what every network of one run discovers, and decode pictures of its first seed."""
    faces = ImageSet.of(images.arrays, images.note)
    networks = [
        (latent, place, seed)
        for latent in settings.latent
        for place, seed in enumerate(settings.seeds)
    ]
    by_network = [
        _discoveries(settings, faces, codes[latent].arrays, place).assign(latent=latent, seed=seed)
        for latent, place, seed in networks
    ]
    attributes = pd.concat(by_network, ignore_index=True)
    summary = [
        {"latent": latent, "seed": seed}
        | _on_test_faces(codes[latent].arrays, place)
        | {"carried": table["discovered"].sum()}
        for (latent, place, seed), table in zip(networks, by_network, strict=True)
    ]
    size = {"images": len(faces), "official": faces.facts.official}
    return {
        "attributes": attributes,
        "compared": compare(attributes),
        "counts": counts(attributes).assign(**size),
        "summary": pd.DataFrame(summary),
        "pictures": _pictures(settings, faces, codes, attributes, size),
    }


def _discoveries(
    settings: Discovery, faces: ImageSet, arrays: Mapping[str, Tensor], place: int
) -> pd.DataFrame:
    """Say which attributes the units of one network carry."""
    assert faces.attributes is not None
    parts = []
    for part in PARTS:
        labels, codes = faces.attributes[faces.of_part(part)], arrays[f"{part}/mean"][place]
        parts.append((codes.numpy(), labels[: len(codes)].numpy()))
    train, selection, test = parts
    generator = np.random.default_rng(settings.seeds[place])
    names = faces.facts.attributes
    return discover(train, selection, test, names, settings.threshold, generator)


def _on_test_faces(arrays: Mapping[str, Tensor], place: int) -> dict[str, float]:
    """Measure reconstruction, KL and active units of one network on the test faces."""
    mean, logvar = arrays["test/mean"][place], arrays["test/logvar"][place]
    units = active_units.score(mean, logvar)
    return {
        "reconstruction": float(arrays["test/reconstruction"][place]),
        "kl": float(units.kl.sum()),
        "active_units": units.count,
    }


def _pictures(
    settings: Discovery,
    faces: ImageSet,
    codes: Mapping[int, Stored],
    attributes: pd.DataFrame,
    size: dict[str, int],
) -> Stored:
    """Decode the pictures of the networks of the first seed."""
    seed = settings.seeds[0]
    networks = {
        latent: _first_network(ConvVAE(faces.facts.shape[0], latent), codes[latent].arrays)
        for latent in settings.latent
    }
    of_seed = attributes[attributes["seed"] == seed]
    pictures, rows = decode_all(networks, of_seed, faces.facts.attributes, faces.only("test"))
    return Stored(pictures, json.dumps(rows | size | {"seed": seed}))


def _first_network(model: ConvVAE, arrays: Mapping[str, Tensor]) -> Network:
    """Take the first seed's weights and its codes of the test faces."""
    weights = {
        name.removeprefix("weights/"): weight[:1]
        for name, weight in arrays.items()
        if name.startswith("weights/")
    }
    return Network(model, weights, arrays["test/mean"][0], arrays["test/logvar"][0])
