"""What is drawn: uniform points, batches that share one factor, a function of the seed."""

import numpy as np
import pytest
from scipy.stats import chisquare

from vaentk.data.grid import Grid
from vaentk.errors import UserError
from vaentk.metrics.sampling import Batches, Points, Split


def test_points_are_uniform_and_know_their_factors(grid: Grid) -> None:
    points = Points.draw(grid, 6_000, np.random.default_rng(0))
    np.testing.assert_array_equal(grid.values(points.numbers), points.values)
    assert chisquare(np.bincount(points.numbers, minlength=60)).pvalue > 0.01


def test_train_and_test_are_drawn_apart(grid: Grid) -> None:
    split = Split.draw(grid, 50, 40, np.random.default_rng(0))
    assert (len(split.train.numbers), len(split.test.numbers)) == (50, 40)
    assert (split.train.numbers[:40] != split.test.numbers).any()


def test_pairs_agree_in_the_factor_and_by_chance_elsewhere(grid: Grid) -> None:
    drawn = Batches.pairs(grid, 300, 64, np.random.default_rng(0))
    assert drawn.numbers.shape == (300, 2, 64)
    values = grid.values(drawn.numbers.ravel()).reshape(300, 2, 64, 3)
    agree = (values[:, 0] == values[:, 1]).mean(axis=1)
    shared = drawn.factors[:, None] == np.arange(3)
    assert (agree[shared] == 1).all()
    for factor, size in enumerate(grid.sizes):
        assert agree[~shared[:, factor], factor].mean() == pytest.approx(1 / size, abs=0.02)
    # Unlike FactorVAE's batches, pairs of one batch differ in the factor that a pair shares.
    assert (np.ptp(values, axis=(1, 2))[shared] > 0).all()
    assert chisquare(np.bincount(drawn.factors)).pvalue > 0.01


def test_batches_have_one_value_of_the_factor(grid: Grid) -> None:
    drawn = Batches.sharing(grid, 300, 64, np.random.default_rng(0))
    assert drawn.numbers.shape == (300, 64)
    values = grid.values(drawn.numbers.ravel()).reshape(300, 64, 3)
    shared = drawn.factors[:, None] == np.arange(3)
    spread = np.ptp(values, axis=1)
    assert (spread[shared] == 0).all()
    assert (spread[~shared] > 0).all()
    for factor, size in enumerate(grid.sizes):
        fixed = values[drawn.factors == factor, 0, factor]
        assert chisquare(np.bincount(fixed, minlength=size)).pvalue > 0.01


def test_draws_are_a_function_of_the_seed(grid: Grid) -> None:
    for draw in (Batches.pairs, Batches.sharing):
        first, again, other = (draw(grid, 5, 8, np.random.default_rng(s)) for s in (0, 0, 1))
        np.testing.assert_array_equal(first.numbers, again.numbers)
        assert (first.numbers != other.numbers).any()


def test_a_factor_of_one_value_is_one_sentence() -> None:
    with pytest.raises(UserError) as caught:
        Points.draw(Grid(("colour", "x"), (1, 5)), 20, np.random.default_rng(0))
    assert str(caught.value) == (
        "The factor colour takes one value only in 20 images: "
        "draw more of them, or leave it out of the grid."
    )
