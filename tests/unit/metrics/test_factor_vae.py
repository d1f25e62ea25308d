"""FactorVAE: known answers, pruning, and the same score as the algorithm in loops."""

import numpy as np
import pytest
import torch

from vaentk.data.grid import Grid
from vaentk.metrics import factor_vae
from vaentk.metrics.factor_vae import Sample


@pytest.fixture
def sample(grid: Grid) -> Sample:
    return factor_vae.draw(grid, np.random.default_rng(0), variance=1000, train=600, test=300)


def in_loops(codes: np.ndarray, sample: Sample) -> float:
    """The score as disentanglement_lib finds it, batch by batch."""
    spread = np.var(codes[sample.numbers], axis=0, ddof=1)
    active = np.sqrt(spread) >= 0.05
    counts = []
    for batches in (sample.train, sample.test):
        votes = np.zeros((3, codes.shape[1]), dtype=int)
        for factor, batch in zip(batches.factors, batches.numbers, strict=True):
            local = np.var(codes[batch], axis=0, ddof=1)
            votes[factor, np.argmin(local[active] / spread[active])] += 1
        counts.append(votes)
    train, test = counts
    return float(test[np.argmax(train, axis=0), np.arange(codes.shape[1])].sum() / test.sum())


def test_factors_as_codes_are_found_always(identity: torch.Tensor, sample: Sample) -> None:
    assert factor_vae.score(identity, sample) == 1


def test_without_a_code_that_varies_nothing_is_found(grid: Grid, sample: Sample) -> None:
    assert factor_vae.score(torch.full((len(grid), 4), 0.3), sample) == 0


def test_codes_are_pruned_below_the_threshold(identity: torch.Tensor, sample: Sample) -> None:
    deviation = identity[torch.from_numpy(sample.numbers)].std(dim=0)
    scaled = identity / deviation * torch.tensor([0.0499, 0.0501, 1.0])
    # Without its code the first factor is always taken for one of the others.
    assert factor_vae.score(scaled, sample) == np.mean(sample.test.factors != 0)


def test_scales_shifts_copies_and_order_do_not_matter(
    identity: torch.Tensor, sample: Sample
) -> None:
    for codes in (identity * 10 - 7, identity[:, [0, 1, 2, 2]], identity[:, [2, 0, 1]]):
        assert factor_vae.score(codes, sample) == 1


def test_the_first_of_equal_codes_has_the_vote(identity: torch.Tensor, sample: Sample) -> None:
    votes = factor_vae._votes(
        identity[:, [0, 0, 1, 2]], sample.train, torch.arange(4), torch.ones(4), 3
    )
    assert votes[0, 0] == (sample.train.factors == 0).sum()
    assert votes[:, 1].sum() == 0


def test_a_rotation_hides_the_factors(square: Grid, rotated: torch.Tensor) -> None:
    """Both codes vary alike whichever of two equal factors is fixed: a coin decides."""
    sample = factor_vae.draw(square, np.random.default_rng(0), 1000, 1000, 1000)
    assert factor_vae.score(rotated, sample) == pytest.approx(0.5, abs=0.08)


def test_noise_is_as_good_as_chance(grid: Grid) -> None:
    """Noise of its own for each image of the sample, five codes and three factors."""
    sample = factor_vae.draw(grid, np.random.default_rng(0), 1000, 1000, 1000)
    fresh = np.arange(2000 * 64).reshape(2, 1000, 64)
    for batches, numbers in zip((sample.train, sample.test), fresh, strict=True):
        batches.numbers[:] = numbers
    codes = torch.randn(fresh.size, 5, generator=torch.Generator().manual_seed(0))
    assert factor_vae.score(codes, sample) == pytest.approx(1 / 3, abs=0.08)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_score_is_that_of_loops(
    partly: torch.Tensor, sample: Sample, dtype: torch.dtype
) -> None:
    codes = partly.to(dtype)
    expected = in_loops(codes.numpy(), sample)
    assert factor_vae.score(codes, sample) == pytest.approx(expected, abs=1e-6)
    assert 0.4 < expected < 1
