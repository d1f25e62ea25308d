"""Codes by image number: of all images, of those that samples need, and none that is missing."""

from typing import Any

import numpy as np
import pytest
import torch

from vaentk.data.grid import Grid
from vaentk.metrics import active_units, beta_vae, dci, factor_vae, lookup, mig, sap
from vaentk.metrics.lookup import Codes, Drawn, blocks, needed, rows


def test_the_images_of_all_samples_come_once_and_in_order() -> None:
    few, more = active_units.Sample(np.array([7, 2, 7])), active_units.Sample(np.array([9, 2]))
    np.testing.assert_array_equal(needed([few, more]), [2, 7, 9])


def test_codes_of_some_images_are_found_by_number() -> None:
    codes = Codes(torch.tensor([2, 7, 9]), torch.tensor([[0.2], [0.7], [0.9]]))
    assert codes.shape == (3, 1)
    found = rows(codes, np.array([[9, 2], [7, 7]]))
    assert torch.equal(found, torch.tensor([[[0.9], [0.2]], [[0.7], [0.7]]]))


@pytest.mark.parametrize("missing", [0, 3, 10])
def test_an_image_without_a_code_is_an_error(missing: int) -> None:
    codes = Codes(torch.tensor([2, 7, 9]), torch.zeros(3, 1))
    with pytest.raises(KeyError, match="An image of the sample has no code"):
        rows(codes, np.array([7, missing]))


def test_codes_have_one_ascending_number_each() -> None:
    with pytest.raises(ValueError, match="2 numbers cannot name 3 codes"):
        Codes(torch.tensor([2, 7]), torch.zeros(3, 1))
    for numbers in ([2, 9, 7], [2, 2, 7]):
        with pytest.raises(ValueError, match="must ascend"):
            Codes(torch.tensor(numbers), torch.zeros(3, 1))


@pytest.mark.parametrize("at_once", [1, 12, 25, 10**6])
def test_blocks_are_bounded_and_together_whole(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(lookup, "VALUES_AT_ONCE", at_once)
    codes, numbers = torch.randn(60, 2), np.random.default_rng(0).integers(60, size=(17, 2, 3))
    parts = list(blocks(codes, numbers))
    # A batch of 2 x 3 images with 2 codes each is the least that a block can hold.
    assert max(part.numel() for part in parts) <= max(at_once, 12)
    assert torch.equal(torch.cat(parts), codes[torch.from_numpy(numbers)])


def samples(grid: Grid) -> dict[Any, Drawn]:
    """Small samples of all metrics, which leave images out."""
    generator = np.random.default_rng(0)
    return {
        beta_vae: beta_vae.draw(grid, generator, train=4, test=2, batch=3),
        factor_vae: factor_vae.draw(grid, generator, variance=8, train=3, test=2, batch=4),
        mig: mig.draw(grid, generator, n=12),
        sap: sap.draw(grid, generator, train=12, test=8),
        dci: dci.draw(grid, generator, train=12, test=8),
        active_units: active_units.draw(grid, generator, n=5),
    }


def scores(codes: lookup.Lookup, drawn: dict[Any, Drawn]) -> list[float]:
    return [
        beta_vae.score(codes, drawn[beta_vae]).score,
        factor_vae.score(codes, drawn[factor_vae]).score,
        mig.score(codes, drawn[mig]).score,
        sap.score(codes, drawn[sap]).score,
        dci.score(codes, drawn[dci]).disentanglement,
        *active_units.score(codes, codes, drawn[active_units]).kl,
    ]


def test_scores_are_the_same_from_the_needed_images_alone(grid: Grid, partly: torch.Tensor) -> None:
    drawn = samples(grid)
    numbers = torch.from_numpy(needed(drawn.values()))
    assert len(numbers) < len(grid)
    assert scores(Codes(numbers, partly[numbers]), drawn) == scores(partly, drawn)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_scores_are_the_same_on_a_gpu(grid: Grid, partly: torch.Tensor) -> None:
    drawn = samples(grid)
    numbers = torch.from_numpy(needed(drawn.values()))
    expected = pytest.approx(scores(partly, drawn), abs=1e-9)
    assert scores(partly.cuda(), drawn) == expected
    assert scores(Codes(numbers.cuda(), partly[numbers].cuda()), drawn) == expected
