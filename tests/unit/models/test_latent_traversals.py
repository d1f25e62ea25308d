"""Parts of a grid, codes of images, and paths that move one unit alone."""

import numpy as np
import pytest
import torch

from vaentk.data.facts import Facts
from vaentk.data.grid import Grid
from vaentk.data.image_set import ImageSet
from vaentk.models import latent_traversals as traversals
from vaentk.models.conv_vae import ConvVAE

GRID = Grid(("a", "b", "c"), (3, 4, 5))


@pytest.mark.parametrize("every", [None, (1, 2, 2), (3, 1, 4)])
def test_a_part_has_every_so_manieth_value(every: tuple[int, ...] | None) -> None:
    part, numbers = traversals.part_of(GRID, every)
    steps = every or (1, 1, 1)
    values = GRID.values(np.arange(len(GRID)))
    expected = np.flatnonzero((values % steps == 0).all(axis=1))
    assert np.array_equal(numbers, expected)
    assert len(part) == len(numbers)
    assert np.array_equal(part.values(np.arange(len(part))) * steps, values[expected])


def test_every_member_encodes_the_images_that_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(traversals, "BLOCK", 2)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (6, 1, 64, 64), generator=generator, dtype=torch.uint8)
    facts = Facts(
        name="noise", dataset="noise", data="drawn", source="", shape=(1, 64, 64), official=6
    )
    model, numbers = ConvVAE(1, 3), np.array([4, 0, 5])
    weights = model.initial_weights((0, 1))
    found = traversals.encode(model, weights, ImageSet(facts, pixels), numbers)
    batch = (pixels[numbers] / 255).expand(2, -1, -1, -1, -1)
    for ours, theirs in zip(found, model.encode(weights, batch), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_path_moves_its_unit_and_no_other() -> None:
    model = ConvVAE(1, 4)
    weights = model.initial_weights((0, 1))
    mean = torch.tensor([[0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0]])
    units = torch.tensor([[2, 0], [3, 1]])
    values = torch.arange(12.0).view(2, 2, 3)
    found = traversals.along_units(model, weights, mean, units, values)
    assert found.shape == (2, 2, 3, 1, 64, 64)
    for member in range(2):
        alone = {name: weight[member : member + 1] for name, weight in weights.items()}
        for row in range(2):
            for column in range(3):
                code = mean[member].clone()
                code[units[member, row]] = values[member, row, column]
                pixels = 255 * model.decode(alone, code[None, None]).sigmoid()
                gap = found[member, row, column].float() - pixels[0, 0]
                assert float(gap.abs().max()) < 0.51


def test_strips_order_units_by_kl_and_span_their_quantiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = {}

    def kept(model: ConvVAE, weights: dict, mean: object, units: object, values: object) -> str:
        seen.update(mean=mean, units=units, values=values)
        return "strips"

    monkeypatch.setattr(traversals, "along_units", kept)
    scale = torch.tensor([0.1, 3.0, 1.0])
    mean = torch.linspace(-1, 1, 101)[None, :, None] * scale
    found = traversals.strips(ConvVAE(1, 3), {}, mean, torch.zeros(1, 101, 3), place=50)
    assert found == "strips"
    assert seen["units"].tolist() == [[1, 2, 0]]
    torch.testing.assert_close(seen["mean"], torch.zeros(1, 3))
    expected = torch.linspace(-0.9, 0.9, traversals.COLUMNS)[None, None] * scale[[1, 2, 0], None]
    torch.testing.assert_close(seen["values"], expected)


def test_random_codes_are_a_seeds_own() -> None:
    assert torch.equal(traversals.random_codes(5, 3, 1), traversals.random_codes(5, 3, 1))
    assert not torch.equal(traversals.random_codes(5, 3, 1), traversals.random_codes(5, 3, 2))


def test_the_reconstruction_error_is_that_of_torchs_distribution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of chosen images, in blocks that do not divide their number."""
    monkeypatch.setattr(traversals, "BLOCK", 2)
    generator = torch.Generator().manual_seed(0)
    pixels = 255 * torch.randint(2, (6, 1, 64, 64), generator=generator, dtype=torch.uint8)
    facts = Facts(
        name="noise", dataset="noise", data="drawn", source="", shape=(1, 64, 64), official=6
    )
    model, numbers = ConvVAE(1, 3), np.array([4, 0, 5])
    weights = model.initial_weights((0, 1))
    mean = torch.randn(2, 3, 3, generator=generator)
    found = traversals.reconstruction_error(model, weights, ImageSet(facts, pixels), numbers, mean)
    likelihood = torch.distributions.Bernoulli(logits=model.decode(weights, mean))
    nats = -likelihood.log_prob((pixels[numbers] / 255).expand(2, -1, -1, -1, -1))
    torch.testing.assert_close(found, nats.sum((2, 3, 4)).mean(1))
