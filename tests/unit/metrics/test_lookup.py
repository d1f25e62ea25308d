"""Codes by image number: whole rows, in blocks of bounded size, the same scores on every device."""

import numpy as np
import pytest
import torch

from vaentk.data.grid import Grid
from vaentk.metrics import beta_vae, dci, factor_vae, lookup, mig, sap
from vaentk.metrics.lookup import blocks, rows
from vaentk.metrics.sampling import Points, Split


def test_codes_are_found_by_number() -> None:
    codes = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    found = rows(codes, np.array([[2, 0], [1, 1]]))
    assert torch.equal(found, torch.tensor([[[4.0, 5.0], [0.0, 1.0]], [[2.0, 3.0], [2.0, 3.0]]]))


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


@pytest.mark.usefixtures("gpu")
def test_scores_are_the_same_on_a_gpu(grid: Grid, partly: torch.Tensor) -> None:
    def scores(codes: torch.Tensor) -> list[float]:
        generator = np.random.default_rng(0)
        return [
            beta_vae.score(codes, beta_vae.draw(grid, generator, 4, 2, batch=3)),
            factor_vae.score(codes, factor_vae.draw(grid, generator, 8, 3, 2, batch=4)),
            mig.score(codes, Points.draw(grid, 12, generator)),
            sap.score(codes, Split.draw(grid, 12, 8, generator)),
            dci.score(codes, Split.draw(grid, 12, 8, generator)).disentanglement,
        ]

    assert scores(partly.cuda()) == pytest.approx(scores(partly), abs=1e-9)
