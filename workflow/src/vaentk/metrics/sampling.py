"""What metrics draw from a grid of factors: single points, and batches that share a factor."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from vaentk.data.grid import Grid
from vaentk.errors import UserError
from vaentk.metrics.lookup import Numbers


@dataclass(frozen=True, eq=False)
class Points:
    """Numbers of images drawn independently and uniformly, with every factor's value from 0."""

    numbers: Int64[Numbers, " n"]
    values: Int64[NDArray[np.int64], "n factors"]

    @classmethod
    def draw(cls, grid: Grid, n: int, generator: np.random.Generator) -> Self:
        """Draw `n` images; a UserError if a factor takes one value only: it cannot be learnt."""
        values = grid.sample(n, generator)
        for name, column in zip(grid.names, values.T, strict=True):
            if (column == column[0]).all():
                raise UserError(
                    f"The factor {name} takes one value only in {n} images: "
                    "draw more of them, or leave it out of the grid."
                )
        return cls(grid.indices(values), values)


@dataclass(frozen=True, eq=False)
class Split:
    """Points to learn from and others to test on."""

    train: Points
    test: Points

    @classmethod
    def draw(cls, grid: Grid, train: int, test: int, generator: np.random.Generator) -> Self:
        """Draw both, independently."""
        return cls(Points.draw(grid, train, generator), Points.draw(grid, test, generator))


@dataclass(frozen=True, eq=False)
class Batches:
    """Batches of images that each have a factor in common, an index into the grid's names.

    Image numbers are those of whole batches, (n, batch), or of the first and the second images of
    pairs, (n, 2, batch).
    """

    factors: Int64[NDArray[np.int64], " n"]
    numbers: Int64[Numbers, "n ..."]

    @classmethod
    def sharing(cls, grid: Grid, n: int, batch: int, generator: np.random.Generator) -> Self:
        """Draw batches whose images all have the same value of one factor: (n, batch)."""
        factors = generator.integers(len(grid.sizes), size=n)
        numbers = generator.integers(len(grid), size=(n, batch))
        return cls(factors, _with_value_of(grid, factors, numbers, numbers[:, :1]))

    @classmethod
    def pairs(cls, grid: Grid, n: int, batch: int, generator: np.random.Generator) -> Self:
        """Draw batches of pairs, where the two of a pair agree in one factor: (n, 2, batch)."""
        factors = generator.integers(len(grid.sizes), size=n)
        numbers = generator.integers(len(grid), size=(n, 2, batch))
        numbers[:, 1] = _with_value_of(grid, factors, numbers[:, 1], numbers[:, 0])
        return cls(factors, numbers)


def _with_value_of(
    grid: Grid, factors: NDArray[np.int64], numbers: Numbers, others: Numbers
) -> Numbers:
    """Give images (n, batch) their others' value of each row's factor, and leave all else."""
    sizes = np.array(grid.sizes)
    # Images whose value differs by one and that are otherwise the same are this far apart.
    strides = len(grid) // sizes.cumprod()
    size, stride = sizes[factors, None], strides[factors, None]
    moved: Numbers = numbers + (others // stride % size - numbers // stride % size) * stride
    return moved
