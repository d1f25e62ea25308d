"""Factors of variation that form a complete grid: every combination is one image."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaentk.errors import UserError


@dataclass(frozen=True)
class Grid:
    """Named factors whose combinations number the images of a data set, the last varying fastest.

    A factor takes as many values as its size; a value is an index from 0.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def factors(self) -> tuple[tuple[str, int], ...]:
        """Name and size of every factor."""
        return tuple(zip(self.names, self.sizes, strict=True))

    def __len__(self) -> int:
        return math.prod(self.sizes)

    def indices(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of the image with given factors: int64 (b, factors) to int64 (b,).

        Where a value is not on the grid, a `UserError` names it.
        """
        values = np.asarray(values)
        if values.ndim != 2 or values.shape[1] != len(self.sizes):
            raise UserError(
                f"Factors of shape {values.shape} were given where (images, {len(self.sizes)}) "
                f"is expected: one column each for {', '.join(self.names)}."
            )
        wrong = np.argwhere((values < 0) | (values >= np.array(self.sizes)))
        if len(wrong):
            row, column = wrong[0]
            raise UserError(
                f"The factor {self.names[column]} is {values[row, column]}: "
                f"choose one from 0 to {self.sizes[column] - 1}."
            )
        return np.asarray(np.ravel_multi_index(tuple(values.T), self.sizes), dtype=np.int64)

    def values(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the factors of images: int64 (b,) to int64 (b, factors)."""
        indices = np.asarray(indices)
        wrong = indices[(indices < 0) | (indices >= len(self))]
        if len(wrong):
            raise UserError(
                f"Image {wrong[0]} does not exist: choose one from 0 to {len(self) - 1}."
            )
        return np.stack(np.unravel_index(indices, self.sizes), axis=1, dtype=np.int64)

    def sample(self, n: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Draw factors independently and uniformly: int64 (n, factors)."""
        return generator.integers(self.sizes, size=(n, len(self.sizes)))
