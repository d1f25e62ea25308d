"""Data points and noise of runs side by side, each run's from a generator of its own."""

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import embedding

from vaentk.models.linear_estimators import Estimator
from vaentk.training.generators import restored

BLOCK: Final = 256
"""Iterations whose draws are made at once, at most."""

DRAWN: Final = 2**13
"""Numbers of noise that are drawn at once for a run, or those of one data point."""

Batch = tuple[Tensor, Tensor]
"""Data points (R, b, d + 1) and noise (R, q, K, b) of an iteration, or of a part of it."""


class Draws:
    """What runs draw, a block of iterations at once.

    How much is drawn at once depends on B, K and q and not on the other runs, so that a run has
    the same draws in any company. Where the noise of one iteration is too much, it comes in parts.
    The data set has a one appended, (N, d + 1); the generators' states are uint8 (R, bytes).
    """

    def __init__(
        self, points: Tensor, latent_dim: int, estimator: Estimator, states: Tensor
    ) -> None:
        self.points, self.latent_dim = points, latent_dim
        self.batch, self.samples = estimator.batch, estimator.samples
        width = self.samples * latent_dim
        self.part = min(self.batch, max(1, DRAWN // width))
        self.block = min(BLOCK, max(1, DRAWN // (self.batch * width)))
        self.generators = restored(states)

    def iterations(self, steps: int) -> Iterator[Iterator[Batch]]:
        """Draws of as many iterations, at most a block of them; each in parts, used in order."""
        if self.part < self.batch:
            for _ in range(steps):
                yield self._parts()
        else:
            yield from (iter([batch]) for batch in self._draw(steps, self.batch))

    def _parts(self) -> Iterator[Batch]:
        """Draw one iteration in parts."""
        for first in range(0, self.batch, self.part):
            yield from self._draw(1, min(self.part, self.batch - first))

    def _draw(self, steps: int, count: int) -> Iterator[Batch]:
        """Draw ``count`` data points and their noise for some iterations.

        Single precision is drawn in a fifth of the time, and its normal numbers' moments are off
        by less than 1e-6.
        """
        runs, size = len(self.generators), len(self.points)
        rows = torch.empty(runs, steps, count, dtype=torch.int64)
        noise = torch.empty(runs, steps, self.latent_dim, self.samples, count)
        for chosen, drawn, generator in zip(rows, noise, self.generators, strict=True):
            chosen.random_(size, generator=generator)
            drawn.normal_(generator=generator)
        rows = rows.to(self.points.device)
        for step in range(steps):
            # Rows of the table, as indexing gives them and in half the time.
            yield embedding(rows[:, step], self.points), noise[:, step].to(self.points)
