"""Measures of whole runs: codes whose contents are known give the tables, strips and pictures."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from vaentk.data.facts import Facts
from vaentk.data.grid import Grid
from vaentk.data.stored import Stored
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.discovery import measure as figure_4
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.latents.disentanglement import measure as figure_3
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.latent_traversals import COLUMNS, ROWS

GRID = Grid(("shape", "size", "angle", "x", "y"), (2, 2, 2, 4, 4))
LATENTS = (6, 12)
BETAS = (1.0, 4.0)


def codes_of_factors(latent: int) -> Stored:
    """Two betas: the second's units are the grid's factors, all other units are noise."""
    generator = torch.Generator().manual_seed(latent)
    factors = torch.from_numpy(GRID.values(np.arange(len(GRID)))).float()
    noise = torch.randn(3, len(GRID), latent, generator=generator)
    trained = noise[:2] * 0.01
    trained[1, :, :5] = factors - factors.mean(dim=0)
    shades = torch.tensor([latent, 100 + latent], dtype=torch.uint8)
    strips = shades.view(2, 1, 1, 1, 1, 1).expand(2, ROWS, COLUMNS, 1, 64, 64)
    arrays = {
        "trained/mean": trained,
        "trained/logvar": torch.zeros_like(trained),
        # A scale that FactorVAE would prune.
        "untrained/mean": noise[2].expand(2, -1, -1) * 1e-3,
        "50/mean": trained * 0.1 + noise[2],
        "reconstruction": torch.tensor([300.0, 200.0]),
        "strips": strips,
    }
    return Stored(arrays)


def test_figure_3_scores_every_network_and_keeps_strips_of_the_best_and_the_worst() -> None:
    factors = tuple(zip(GRID.names, GRID.sizes, strict=True))
    facts = Facts("grid", "dsprites", "drawn", "", (1, 64, 64), len(GRID), factors)
    settings = Disentanglement(
        dataset="dsprites",
        latent=LATENTS,
        seeds=(3,),
        betas=BETAS,
        points=(400, 200),
        steps=100,
        looks=2,
    )
    codes = {latent: codes_of_factors(latent) for latent in LATENTS}
    measured = figure_3.measure(settings, images=Stored({}, facts.text()), codes=codes)
    scores, summary = measured["scores"], measured["summary"]
    keys = ["latent", "seed", "beta"]
    networks = list(product(LATENTS, (3,), BETAS))
    assert list(scores.groupby(keys, sort=False).groups) == networks
    assert not scores.duplicated([*keys, "network", "metric"]).any()
    assert summary.columns.tolist() == [*keys, "reconstruction", "kl", "active_units"]
    assert summary["active_units"].tolist() == [0, 5, 0, 5]
    assert summary["reconstruction"].tolist() == [300.0, 200.0] * 2
    mig = scores[scores["metric"] == "mig"].set_index([*keys, "network"])["score"]
    for latent in LATENTS:
        assert mig[latent, 3, 4.0, "trained"] > 0.7
        assert mig[latent, 3, 4.0, "untrained"] == mig[latent, 3, 1.0, "untrained"] < 0.3
        untrained = scores[scores["metric"] == "factor_vae"].set_index([*keys, "network"])["score"]
        assert untrained[latent, 3, 1.0, "untrained"] > 0.1, "not pruned, though it varies little"
    table = figure_3.trends(scores, summary).assign(reduced="100 of 300,000 steps")
    pd.testing.assert_frame_equal(measured["trends"], table)
    curves = measured["curves"]
    assert list(curves.groupby(keys, sort=False).groups) == networks
    assert sorted(curves["step"].unique()) == [0, 50, 100]
    ends = curves[curves["step"] == 100].merge(scores[scores["network"] == "trained"])
    assert len(ends) == len(networks) * 4, "the last look has the scores of the table"
    shown, strips = json.loads(measured["strips"].note), measured["strips"].arrays
    latent, seed, beta, score, kl = shown["best"]
    assert (seed, beta, len(kl)) == (3, 4.0, ROWS)
    assert score > shown["worst"][3]
    assert kl == sorted(kl, reverse=True)
    assert (strips["best"] == 100 + latent).all()
    assert (strips["worst"] == shown["worst"][0]).all()


PARTS = {"train": 40, "validation": 120, "test": 120}


def faces() -> Stored:
    """Noise for images, in parts that lie together, with two attributes at random."""
    generator = torch.Generator().manual_seed(0)
    images = sum(PARTS.values())
    arrays = {
        "images": torch.randint(256, (images, 1, 64, 64), generator=generator, dtype=torch.uint8),
        "attributes": torch.randint(2, (images, 2), generator=generator, dtype=torch.uint8),
        "parts": torch.repeat_interleave(
            torch.arange(3, dtype=torch.uint8), torch.tensor([*PARTS.values()])
        ),
    }
    names = ("Smiling", "Bald")
    facts = Facts("noise", "celeba", "drawn", "", (1, 64, 64), 1_000, attributes=names)
    return Stored(arrays, facts.text())


def codes_of_faces(latent: int, labels: Tensor, carrier: int | None) -> Stored:
    """Noise for two seeds; where there is a carrier, this unit tells of Bald in both."""
    generator = torch.Generator().manual_seed(latent)
    weights = ConvVAE.of_side(1, latent, 32).initial_weights((0, 1))
    arrays = {f"weights/{name}": weight for name, weight in weights.items()}
    for (part, images), attributes in zip(
        PARTS.items(), labels.split([*PARTS.values()]), strict=True
    ):
        mean = torch.randn(2, images, latent, generator=generator)
        if carrier is not None:
            mean[:, :, carrier] -= 6.0 * attributes[:, 1]
        arrays |= {f"{part}/mean": mean, f"{part}/logvar": torch.zeros_like(mean)}
    # Fewer training images are encoded than there are.
    arrays |= {name: arrays[name][:, :30] for name in ("train/mean", "train/logvar")}
    return Stored(arrays | {"test/reconstruction": torch.tensor([500.0, 400.0])})


def test_figure_4_compares_sizes_and_draws_the_first_seed() -> None:
    """Images of 64 pixels a side are seen by networks of 32, with blocks of four averaged."""
    images = faces()
    labels = images.arrays["attributes"]
    codes = {2: codes_of_faces(2, labels, None), 8: codes_of_faces(8, labels, carrier=5)}
    settings = Discovery(latent=(2, 8), seeds=(7, 4), side=32)
    measured = figure_4.measure(settings, images=images, codes=codes)
    attributes = measured["attributes"].set_index(["latent", "seed", "attribute"])
    assert attributes.index.tolist() == list(product((2, 8), (7, 4), ("Smiling", "Bald")))
    attributes = attributes.sort_index()
    assert attributes.loc[(8, 4, "Bald"), ["unit", "sign"]].tolist() == [5, -1.0]
    codes_of_carrier = -codes[8].arrays["test/mean"][1, :, 5].numpy()
    tested = labels[160:].numpy()
    assert attributes["auc"][8, 4, "Bald"] == roc_auc_score(tested[:, 1], codes_of_carrier)
    assert attributes["positives"][8, 7, "Bald"] == tested[:, 1].sum()
    assert attributes["probe"][8].xs("Bald", level="attribute").min() > 0.95
    # 120 faces: an area of nothing has a deviation of about 0.053.
    assert (attributes["random"] - 0.5).abs().max() < 5 * 0.053
    summary = measured["summary"]
    columns = ["latent", "seed", "reconstruction", "kl", "active_units", "inactive_units"]
    assert summary.columns.tolist() == columns
    columns.remove("kl")
    assert summary[columns].to_numpy().tolist() == [
        *([2, 7, 500, 2, 0], [2, 4, 400, 2, 0], [8, 7, 500, 8, 0], [8, 4, 400, 8, 0]),
    ]
    compared = measured["compared"].set_index(["quantity", "attribute"])
    assert compared.index.tolist() == list(
        product(("unit", "probe", "random"), ("Smiling", "Bald"))
    )
    means = attributes.groupby(["latent", "attribute"])["auc"].mean()
    for name in ("Smiling", "Bald"):
        gained = means[8, name] - means[2, name]
        assert compared["difference"]["unit", name] == pytest.approx(gained)
    assert compared["difference"]["unit", "Bald"] > 0.3
    assert compared["positives"]["probe"].tolist() == tested.sum(axis=0).tolist()
    groups = measured["groups"].set_index(["quantity", "group"])
    assert groups["difference"]["unit", "hair"] == compared["difference"]["unit", "Bald"]
    assert np.isnan(groups["difference"]["unit", "eyes"])
    assert groups[
        ["seeds", "probed", "images", "official"]
    ].drop_duplicates().to_numpy().tolist() == [[2, 30, 280, 1_000]]
    note, pictures = json.loads(measured["pictures"].note), measured["pictures"].arrays
    assert (note["wide"], note["narrow"], note["seed"], note["images"]) == (8, 2, 7, 280)
    assert (note["found"][0]["attribute"], note["found"][0]["wide_unit"]) == ("Bald", 5)
    assert note["latents"] == [2, 8]
    assert pictures["found"].shape[-2:] == (32, 32)
    first = images.arrays["images"][160:][:COLUMNS].float().view(-1, 1, 32, 2, 32, 2)
    expected = first.mean(dim=(3, 5)).round().numpy()
    assert np.array_equal(pictures["gallery/8/originals"][0], expected)
