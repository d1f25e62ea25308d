"""Grids of factors: their numbering against numpy's, and independent uniform draws."""

import itertools

import numpy as np
import pytest
from scipy.stats import chisquare

from vaentk.data.grid import Grid
from vaentk.errors import UserError

GRID = Grid(("shape", "scale", "x"), (3, 4, 5))


def test_numbers_count_combinations_with_the_last_fastest() -> None:
    every = np.array(list(itertools.product(range(3), range(4), range(5))))
    assert len(GRID) == 60
    np.testing.assert_array_equal(GRID.values(np.arange(60)), every)
    np.testing.assert_array_equal(GRID.indices(every), np.arange(60))


def test_numbers_are_those_of_numpy() -> None:
    """On the grid of dSprites, in any order and with repetitions."""
    sizes = (3, 6, 40, 32, 32)
    grid = Grid(("shape", "scale", "orientation", "x", "y"), sizes)
    assert len(grid) == 737_280
    numbers = np.random.default_rng(0).integers(0, len(grid), 500)
    values = grid.values(numbers)
    np.testing.assert_array_equal(values.T, np.unravel_index(numbers, sizes))
    np.testing.assert_array_equal(grid.indices(values), numbers)
    assert values.dtype == grid.indices(values).dtype == np.int64


@pytest.mark.parametrize("sizes", [(7,), (1, 7), (7, 1), (2**31, 2**31)])
def test_grids_of_every_size(sizes: tuple[int, ...]) -> None:
    grid = Grid(tuple("ab"[: len(sizes)]), sizes)
    numbers = np.array([0, 5, len(grid) - 1])
    values = grid.values(numbers)
    np.testing.assert_array_equal(values.T, np.unravel_index(numbers, sizes))
    np.testing.assert_array_equal(grid.indices(values), numbers)


def test_no_images_are_an_empty_batch() -> None:
    assert GRID.values(np.empty(0, np.int64)).shape == (0, 3)
    assert GRID.indices(np.empty((0, 3), np.int64)).shape == (0,)


def test_draws_are_independent_and_uniform() -> None:
    drawn = GRID.sample(12_000, np.random.default_rng(0))
    assert drawn.shape == (12_000, 3)
    assert drawn.dtype == np.int64
    assert chisquare(np.bincount(GRID.indices(drawn), minlength=60)).pvalue > 0.01


def test_draws_are_a_function_of_the_seed() -> None:
    first, again, other = (GRID.sample(20, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([[0, 4, 0]], "The factor scale is 4: choose one from 0 to 3."),
        ([[0, 0, 0], [0, 0, -1]], "The factor x is -1: choose one from 0 to 4."),
        (
            [[0, 0]],
            "Factors of shape (1, 2) were given where (images, 3) is expected: "
            "one column each for shape, scale, x.",
        ),
        (
            [0, 0, 0],
            "Factors of shape (3,) were given where (images, 3) is expected: "
            "one column each for shape, scale, x.",
        ),
    ],
)
def test_factors_off_the_grid_are_one_sentence(values: list[object], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        GRID.indices(np.array(values))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("number", [-1, 60])
def test_image_off_the_grid_is_one_sentence(number: int) -> None:
    with pytest.raises(UserError) as caught:
        GRID.values(np.array([3, number]))
    assert str(caught.value) == f"Image {number} does not exist: choose one from 0 to 59."
