"""A small grid of factors and the codes whose scores are known or computed twice."""

import numpy as np
import pytest
import torch

from vaentk.data.grid import Grid


@pytest.fixture
def grid() -> Grid:
    return Grid(("shape", "scale", "x"), (3, 4, 5))


@pytest.fixture
def square() -> Grid:
    """Two factors that a rotation by 45 degrees mixes evenly."""
    return Grid(("x", "y"), (6, 6))


@pytest.fixture
def identity(grid: Grid) -> torch.Tensor:
    return torch.from_numpy(grid.values(np.arange(len(grid)))).double()


@pytest.fixture
def rotated(square: Grid) -> torch.Tensor:
    x, y = torch.from_numpy(square.values(np.arange(len(square)))).double().T
    return torch.stack([x + y, x - y], dim=1)


@pytest.fixture
def partly(identity: torch.Tensor) -> torch.Tensor:
    """Seven codes: mixtures of the factors with noise, noise alone, nearly and quite constant."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    noise = torch.randn(len(identity), 7, generator=generator, dtype=torch.float64)
    noise[:, :4] += identity @ mixing[:, :4]
    noise[:, 5] = 2 + 1e-3 * noise[:, 5]
    noise[:, 6] = 0.7
    return noise
