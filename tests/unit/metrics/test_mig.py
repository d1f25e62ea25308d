"""MIG: exact answers on a complete grid, and the same score as the algorithm in loops."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from vaentk.data.grid import Grid
from vaentk.errors import UserError
from vaentk.metrics import mig
from vaentk.metrics.sampling import Points


def whole(grid: Grid) -> Points:
    """Every image once: the factors are independent exactly."""
    numbers = np.arange(len(grid))
    return Points(numbers, grid.values(numbers))


def in_loops(codes: np.ndarray, sample: Points) -> float:
    """The score as disentanglement_lib finds it, pair by pair."""
    x, factors = codes[sample.numbers].T, sample.values.T
    binned = [np.digitize(code, np.histogram(code, 20)[1][:-1]) for code in x]
    information = np.array([[mutual_info_score(y, code) for y in factors] for code in binned])
    entropy = np.array([mutual_info_score(y, y) for y in factors])
    ranked = np.sort(information, axis=0)[::-1]
    return float(np.mean((ranked[0] - ranked[1]) / entropy))


def test_factors_as_codes_have_the_whole_gap(grid: Grid, identity: torch.Tensor) -> None:
    information = mig.information(identity, whole(grid))
    np.testing.assert_allclose(information, np.diag(np.log([3, 4, 5])), atol=1e-12)
    assert mig.score(identity, whole(grid)) == pytest.approx(1, abs=1e-12)


def test_constant_codes_have_none(grid: Grid) -> None:
    assert mig.score(torch.full((60, 3), 0.3), whole(grid)) == 0


def test_copies_have_none(grid: Grid, identity: torch.Tensor) -> None:
    codes = identity[:, [0, 1, 2, 0, 1, 2]]
    assert mig.score(codes, whole(grid)) == 0
    one_copy = identity[:, [0, 1, 2, 2]]
    assert mig.score(one_copy, whole(grid)) == pytest.approx(2 / 3, abs=1e-12)


def test_a_rotation_has_none(square: Grid, rotated: torch.Tensor) -> None:
    """The sum and the difference of two equal factors tell alike of both."""
    assert mig.score(rotated, whole(square)) == pytest.approx(0, abs=1e-12)
    assert (mig.information(rotated, whole(square)) > 0.1).all()


def test_order_shift_scale_and_sign_do_not_matter(grid: Grid, partly: torch.Tensor) -> None:
    expected = mig.score(partly, whole(grid))
    for codes in (partly[:, torch.randperm(7)], 8 * partly, partly + 4):
        assert mig.score(codes, whole(grid)) == pytest.approx(expected, abs=1e-12)


def test_noise_has_little(grid: Grid) -> None:
    """Spurious information is about (20 - 1)(size - 1) / 2n nats, alike for all codes."""
    sample = Points.draw(grid, 10_000, np.random.default_rng(0))
    fresh = Points(np.arange(10_000), sample.values)
    codes = torch.randn(10_000, 5, generator=torch.Generator().manual_seed(0))
    assert 0 < mig.score(codes, fresh) < 0.001
    expected = 19 * np.array([2, 3, 4]) / 20_000
    np.testing.assert_allclose(mig.information(codes, fresh).mean(axis=0), expected, rtol=0.3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_score_is_that_of_loops(grid: Grid, partly: torch.Tensor, dtype: torch.dtype) -> None:
    sample, codes = Points.draw(grid, 500, np.random.default_rng(0)), partly.to(dtype)
    expected = in_loops(codes.numpy(), sample)
    assert mig.score(codes, sample) == pytest.approx(expected, abs=1e-12)
    assert 0.01 < expected < 0.9


def test_information_of_all_pairs_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    codes, factor = generator.integers(20, size=(300, 4)), generator.integers(7, size=300)
    codes[:, 3] = factor
    expected = [mutual_info_score(factor, code) for code in codes.T]
    np.testing.assert_allclose(mig.mutual_information(codes, factor), expected, atol=1e-13)


def test_a_range_of_a_few_roundings_still_has_bins(grid: Grid) -> None:
    codes = torch.full((60, 2), 0.3)
    codes[::2, 0] = torch.nextafter(torch.tensor(0.3), torch.tensor(1.0))
    bins = mig.discretise(codes.double().numpy())
    np.testing.assert_array_equal(bins[:4, 0], [19, 0, 19, 0])
    assert np.isfinite(mig.score(codes, whole(grid)))


def test_a_single_code_is_one_sentence(grid: Grid, identity: torch.Tensor) -> None:
    with pytest.raises(UserError) as caught:
        mig.score(identity[:, :1], whole(grid))
    assert str(caught.value) == (
        "MIG and SAP compare two codes: choose a latent size of 2 or more."
    )
