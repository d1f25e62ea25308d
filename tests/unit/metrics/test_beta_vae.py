"""BetaVAE: known answers, and the same score as the algorithm in loops."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vaentk.data.grid import Grid
from vaentk.metrics import beta_vae
from vaentk.metrics.beta_vae import Sample
from vaentk.metrics.sampling import Batches


@pytest.fixture
def sample(grid: Grid) -> Sample:
    return beta_vae.draw(grid, np.random.default_rng(0), train=600, test=300)


def in_loops(codes: np.ndarray, sample: Sample) -> float:
    """The score as disentanglement_lib finds it, batch by batch."""

    def points(batches: Batches) -> np.ndarray:
        differences = np.zeros((len(batches.factors), codes.shape[1]))
        for i, (first, second) in enumerate(batches.numbers):
            differences[i] = np.mean(np.abs(codes[first] - codes[second]), axis=0)
        return differences

    model = LogisticRegression().fit(points(sample.train), sample.train.factors)
    return float(np.mean(model.predict(points(sample.test)) == sample.test.factors))


def test_factors_as_codes_are_found_always(identity: torch.Tensor, sample: Sample) -> None:
    assert beta_vae.score(identity, sample) == 1


def test_constant_codes_are_as_good_as_the_commonest_factor(grid: Grid, sample: Sample) -> None:
    commonest = np.bincount(sample.train.factors).argmax()
    score = beta_vae.score(torch.full((len(grid), 4), 0.3), sample)
    assert score == np.mean(sample.test.factors == commonest)


def test_noise_is_as_good_as_chance(grid: Grid) -> None:
    """Noise drawn anew for each pair; with a code an image, equal images would betray a factor."""
    sample = beta_vae.draw(grid, np.random.default_rng(0), train=600, test=600)
    fresh = Grid(("image",), (600 * 2 * 2 * 64,))
    numbers = np.arange(len(fresh)).reshape(2, 600, 2, 64)
    sample = Sample(
        Batches(sample.train.factors, numbers[0]), Batches(sample.test.factors, numbers[1])
    )
    codes = torch.randn(len(fresh), 5, generator=torch.Generator().manual_seed(0))
    # A standard error of 0.02 around a third.
    assert beta_vae.score(codes, sample) == pytest.approx(1 / 3, abs=0.08)


def test_copies_and_order_of_codes_do_not_matter(identity: torch.Tensor, sample: Sample) -> None:
    assert beta_vae.score(identity[:, [0, 1, 2, 2]], sample) == 1
    assert beta_vae.score(identity[:, [2, 0, 1]], sample) == 1


def test_a_rotation_hides_the_factors(square: Grid, rotated: torch.Tensor) -> None:
    """Both codes vary alike whichever of two equal factors is shared: a coin decides."""
    sample = beta_vae.draw(square, np.random.default_rng(0), train=600, test=600)
    assert beta_vae.score(rotated, sample) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_score_is_that_of_loops(
    partly: torch.Tensor, sample: Sample, dtype: torch.dtype
) -> None:
    codes = partly.to(dtype)
    expected = in_loops(codes.numpy(), sample)
    assert beta_vae.score(codes, sample) == pytest.approx(expected, abs=1e-6)
    assert 0.4 < expected < 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_features_are_those_of_loops_to_the_last_bit(
    partly: torch.Tensor, sample: Sample, dtype: torch.dtype
) -> None:
    """A regression that is stopped early would show the rounding."""
    codes = partly.to(dtype)
    expected = [
        np.mean(np.abs(codes.numpy()[first] - codes.numpy()[second]), axis=0)
        for first, second in sample.train.numbers
    ]
    np.testing.assert_array_equal(beta_vae.features(codes, sample.train.numbers), expected)


@pytest.mark.filterwarnings("error")
def test_an_early_end_of_the_regression_is_the_definition(sample: Sample) -> None:
    """Large noise, one code an image, takes lbfgs more than its 100 iterations: no warning."""
    noise = 100 * torch.randn(60, 7, generator=torch.Generator().manual_seed(0))
    assert 0 < beta_vae.score(noise, sample) < 1
