"""Figure 4's measures: how well latent sizes tell attributes of faces, and pictures (W6)."""

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
from vaentk.experiments.latents.discovery.attributes import choose, probe
from vaentk.experiments.latents.discovery.decoded_pictures import Network, decode_all
from vaentk.experiments.latents.discovery.latent_sizes import Areas, Sizes
from vaentk.metrics import active_units
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.latent_traversals import random_codes
from vaentk.statistics.roc import areas

QUANTITIES = {"unit": "auc", "probe": "probe", "random": "random"}
"""What an area is of (the best unit, a linear probe, one of random codes), and a network's own."""


def measure(settings: Discovery, *, images: Stored, codes: Mapping[int, Stored]) -> dict[str, Any]:
    """Compare the least and the largest latent size of one run; decode pictures of a seed."""
    faces = ImageSet.of(images.arrays, images.note).pooled(settings.side)
    networks, measured, summary = [], {}, []
    for latent in settings.latent:
        arrays = codes[latent].arrays
        table, measured[latent] = measure_size(settings.seeds, faces, arrays)
        networks.append(table.assign(latent=latent))
        for place, seed in enumerate(settings.seeds):
            summary.append({"latent": latent, "seed": seed} | _on_test_faces(arrays, place))
    attributes = pd.concat(networks, ignore_index=True)
    compared, groups = [], []
    for quantity in QUANTITIES:
        narrow, wide = (measured[end(settings.latent)][quantity] for end in (min, max))
        sizes = Sizes(faces.facts.attributes, narrow, wide)
        compared.append(sizes.attributes().assign(quantity=quantity))
        groups.append(sizes.groups().assign(quantity=quantity))
    size: dict[str, Any] = {"images": len(faces), "official": faces.facts.official}
    probed = len(codes[settings.latent[0]].arrays["train/mean"][0])
    by_attribute = pd.concat(compared, ignore_index=True)
    have = attributes.groupby("attribute")["positives"].first()
    by_attribute["positives"] = by_attribute["attribute"].map(have)
    return {
        "attributes": attributes,
        "compared": by_attribute,
        "groups": pd.concat(groups, ignore_index=True).assign(
            probed=probed, **size, reduced=settings.reduced
        ),
        "summary": pd.DataFrame(summary),
        "pictures": _pictures(settings, faces, codes, attributes, by_attribute, size),
    }


def measure_size(
    seeds: tuple[int, ...], faces: ImageSet, arrays: Mapping[str, Tensor]
) -> tuple[pd.DataFrame, dict[str, Areas]]:
    """Score the test faces by all networks of one latent size.

    A unit and its sign are chosen on the validation faces; a probe learns from training faces.

    Returns
    -------
    table
        A row per network and attribute: seed; attribute; unit, with the largest |area - 1/2| on the
        validation faces, and sign, -1 where small values tell the attribute (-1 and NaN where
        these faces have one class); positives, the test faces that have the attribute; on the test
        faces its area auc, that of the probe, and that of a probe of random codes of this size.
    areas
        The same areas by quantity.
    """
    assert faces.attributes is not None
    learnt, chosen, tested = (faces.attributes[faces.of_part(part)].numpy() for part in PARTS)
    tables: list[pd.DataFrame] = []
    scores: dict[str, list[Any]] = {quantity: [] for quantity in QUANTITIES}
    for place, seed in enumerate(seeds):
        train, selection, test = (arrays[f"{part}/mean"][place].numpy() for part in PARTS)
        unit, sign = choose(areas(selection, chosen))
        random = random_codes(len(train) + len(test), train.shape[1], seed).numpy()
        labels = learnt[: len(train)]
        scores["unit"].append(sign * test[:, unit])
        scores["probe"].append(probe((train, labels), test))
        scores["random"].append(probe((random[: len(train)], labels), random[len(train) :]))
        names = list(faces.facts.attributes)
        tables.append(pd.DataFrame({"seed": seed, "attribute": names, "unit": unit, "sign": sign}))
    measured = {quantity: Areas.of(np.stack(own), tested) for quantity, own in scores.items()}
    table = pd.concat(tables, ignore_index=True)
    table["positives"] = np.tile(tested.sum(axis=0, dtype=np.int64), len(seeds))
    own = {column: measured[name].values.ravel() for name, column in QUANTITIES.items()}
    return table.assign(**own), measured


def _on_test_faces(arrays: Mapping[str, Tensor], place: int) -> dict[str, float]:
    """Measure reconstruction, KL and active units of one network on the test faces."""
    mean, logvar = arrays["test/mean"][place], arrays["test/logvar"][place]
    units = active_units.score(mean, logvar)
    return {
        "reconstruction": float(arrays["test/reconstruction"][place]),
        "kl": float(units.kl.sum()),
        "active_units": units.count,
        "inactive_units": mean.shape[1] - units.count,
    }


def _pictures(
    settings: Discovery,
    faces: ImageSet,
    codes: Mapping[int, Stored],
    attributes: pd.DataFrame,
    compared: pd.DataFrame,
    size: dict[str, int],
) -> Stored:
    """Decode the pictures of the networks of the first seed."""
    seed = settings.seeds[0]
    networks = {}
    for latent in settings.latent:
        model = ConvVAE.of_side(faces.facts.shape[0], latent, settings.side)
        networks[latent] = _first_network(model, codes[latent].arrays)
    of_seed = attributes[attributes["seed"] == seed]
    apart = compared[compared["quantity"] == "unit"]
    pictures, rows = decode_all(networks, of_seed, apart, faces.only("test"))
    return Stored(pictures, json.dumps(rows | size | {"seed": seed}))


def _first_network(model: ConvVAE, arrays: Mapping[str, Tensor]) -> Network:
    """Take the first seed's weights and its codes of the test faces."""
    weights = {
        name.removeprefix("weights/"): weight[:1]
        for name, weight in arrays.items()
        if name.startswith("weights/")
    }
    return Network(model, weights, arrays["test/mean"][0], arrays["test/logvar"][0])
