"""Pictures of what networks make of faces, on a decoder that shows a unit as a grey level."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.experiments.latents.discovery.decoded_pictures import (
    FOUND,
    SAMPLED,
    Network,
    decode_all,
    gallery,
    told_better,
)
from vaentk.models.conv_vae import ConvVAE, Weights
from vaentk.models.latent_traversals import COLUMNS, as_pixels

IMAGES = 200
NAMES = ("Smiling", "Bangs", "Male")


class Stripes(ConvVAE):
    """A linear decoder: unit k is the logit of the k-th of as many equal stripes of rows."""

    def decode(self, weights: Weights, codes: Tensor) -> Tensor:
        rows = codes.repeat_interleave(64 // self.latent_dim, dim=2)
        return rows[:, :, None, :, None].expand(-1, -1, self.channels, -1, 64)


def network(latent_dim: int) -> Network:
    """Units of deviation 1, 1/2, 1/4, ... and of posterior deviation 0.1."""
    generator = torch.Generator().manual_seed(latent_dim)
    mean = torch.randn(IMAGES, latent_dim, generator=generator)
    mean *= 0.5 ** torch.arange(latent_dim)
    logvar = torch.full_like(mean, 2 * np.log(0.1))
    return Network(Stripes(1, latent_dim), {}, mean, logvar)


def images() -> ImageSet:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (IMAGES, 1, 64, 64), generator=generator, dtype=torch.uint8)
    facts = Facts("noise", "celeba", "drawn", "", (1, 64, 64), IMAGES, attributes=NAMES)
    labels = torch.randint(2, (IMAGES, 3), generator=generator, dtype=torch.uint8)
    return ImageSet(facts, pixels, labels)


def grey(logits: Tensor) -> list[int]:
    return as_pixels(logits).tolist()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_path_goes_through_its_units_aggregate_posterior_and_moves_no_other(sign: float) -> None:
    net = network(4)
    [path] = net.paths(7, [2], [sign])
    ends = torch.quantile(net.sampled[:, 2], torch.tensor([0.01, 0.99]))
    values = torch.linspace(*ends.tolist(), COLUMNS)
    if sign < 0:
        values = values.flip(0)
    assert path[:, 0, 2 * 16, 0].tolist() == grey(values)
    for other in (0, 1, 3):
        assert set(path[:, 0, other * 16, 0].tolist()) == set(grey(net.mean[7, other][None]))


def test_the_aggregate_posterior_is_wider_than_its_means() -> None:
    net = network(4)
    variances = net.sampled.var(dim=0) - net.mean.var(dim=0)
    # 0.01 of the posterior; the covariance of 200 means and noises is within four errors of it.
    assert torch.allclose(variances, torch.tensor(0.01), atol=8 * 0.1 / IMAGES**0.5)


def row(latent: int, attribute: str, unit: int, auc: float) -> dict[str, object]:
    return {"latent": latent, "attribute": attribute, "unit": unit, "sign": 1.0, "auc": auc}


def compared(differences: dict[str, float]) -> pd.DataFrame:
    rows = [
        {"attribute": name, "difference": value, "difference_low": value - 0.25}
        | {"difference_high": value + 0.25}
        for name, value in differences.items()
    ]
    return pd.DataFrame(rows)


def test_what_the_wide_size_tells_better_is_drawn_by_both_on_the_same_face() -> None:
    wide, narrow = network(8), network(2)
    table = pd.DataFrame(
        [
            row(2, "Smiling", 0, 0.55),
            row(2, "Bangs", 1, 0.6),
            row(2, "Male", 0, 0.9),
            row(8, "Smiling", 5, 0.8),
            row(8, "Bangs", 3, 0.9),
            row(8, "Male", 0, 0.95),
        ]
    )
    labels = np.ones((IMAGES, 3), np.uint8)
    labels[4:, 0], labels[9:, 1] = 0, 0
    apart = compared({"Smiling": 0.25, "Bangs": 0.5, "Male": -0.125})
    strips, rows = told_better(wide, narrow, table, apart, labels)
    assert [row["attribute"] for row in rows] == ["Bangs", "Smiling"]
    assert rows[0] == {
        "attribute": "Bangs",
        **{"difference": 0.5, "difference_low": 0.25, "difference_high": 0.75},
        **{"wide_unit": 3, "wide_auc": 0.9, "narrow_unit": 1, "narrow_auc": 0.6},
    }
    assert np.array_equal(strips[0, 0], wide.paths(9, [3], [1.0])[0])
    assert np.array_equal(strips[0, 1], narrow.paths(9, [1], [1.0])[0])
    assert np.array_equal(strips[1, 0], wide.paths(4, [5], [1.0])[0])


def test_no_more_than_six_attributes_are_drawn_those_of_the_largest_difference() -> None:
    names = [f"attribute {place}" for place in range(8)]
    table = pd.DataFrame([row(latent, name, 0, 0.7) for latent in (2, 8) for name in names])
    apart = compared({name: place / 100 for place, name in enumerate(names, start=1)})
    labels = np.zeros((IMAGES, 8), np.uint8)
    strips, rows = told_better(network(8), network(2), table, apart, labels)
    assert len(strips) == len(rows) == FOUND
    assert [row["attribute"] for row in rows] == names[:1:-1]


def test_what_no_size_tells_better_is_no_picture() -> None:
    table = pd.DataFrame([row(latent, "Smiling", 0, 0.9) for latent in (2, 8)])
    for difference in (0.0, -0.5, np.nan):
        apart = compared({"Smiling": difference})
        labels = np.zeros((IMAGES, 1), np.uint8)
        strips, rows = told_better(network(8), network(2), table, apart, labels)
        assert (len(strips), rows) == (0, [])


def test_a_gallery_has_the_first_faces_and_ends_its_paths_at_them() -> None:
    net, faces = network(4), images()
    pictures = gallery(net, faces)
    columns = COLUMNS
    assert np.array_equal(pictures["originals"][0], faces.pixels[:columns].numpy())
    shades = [pictures["reconstructions"][0, i, 0, ::16, 0].tolist() for i in range(columns)]
    assert shades == [grey(net.mean[i]) for i in range(columns)]
    for pair, path in enumerate(pictures["interpolations"]):
        ends = [path[end, 0, ::16, 0].tolist() for end in (0, -1)]
        assert ends == [shades[2 * pair], shades[2 * pair + 1]]
    assert pictures["samples"].shape == (SAMPLED, columns, 1, 64, 64)
    again = gallery(net, faces)
    assert all(np.array_equal(pictures[kind], again[kind]) for kind in pictures)


def test_all_pictures_of_networks_by_latent_size() -> None:
    networks = {2: network(2), 8: network(8)}
    table = pd.DataFrame([row(latent, name, 0, 0.7) for latent in networks for name in NAMES])
    pictures, rows = decode_all(networks, table, compared(dict.fromkeys(NAMES, 0.5)), images())
    assert (rows["wide"], rows["narrow"], rows["latents"]) == (8, 2, [2, 8])
    assert len(pictures["found"]) == len(rows["found"]) == 3
    kinds = ("originals", "reconstructions", "samples", "interpolations")
    assert {f"gallery/8/{kind}" for kind in kinds} <= set(pictures)
