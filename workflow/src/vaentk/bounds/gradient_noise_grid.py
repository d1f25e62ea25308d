"""Signal-to-noise ratios over a grid of batches B and codes K, one cell at a time.

Every cell has generators of its own, seeded by what it is and not by when it comes, so that a grid
in parts is the same as in one go. The fixed images of a member are the same for every K and every
estimator, and those of a small batch are the first of a larger one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaentk.bounds.bound import PARTS, Bound, Estimator, Weights
from vaentk.bounds.images import ImageSource
from vaentk.bounds.signal_to_noise import repeated_gradients, signal_to_noise
from vaentk.errors import UserError

Row = dict[str, Any]
IMAGES = ("fixed", "redrawn")
WEIGHED = 16
"""Images, at most, whose importance weights say how many codes count."""

RATIOS = ("mean", "rms", "whole", "still")


@dataclass(frozen=True)
class Cell:
    """What the noise of a gradient is measured for.

    Attributes
    ----------
    state : str
        Of the weights, ``start`` or ``end``.
    estimator : str
    images : str
        ``fixed`` or ``redrawn``.
    batch, samples : int
        B images and K codes of each.
    repetitions : int
        M
    """

    state: str
    estimator: Estimator
    images: str
    batch: int
    samples: int
    repetitions: int

    @property
    def codes(self) -> int:
        """Codes of all repetitions, of one member."""
        return self.repetitions * self.batch * self.samples

    @property
    def name(self) -> str:
        """The cell among those of its grid."""
        return f"{self.state} {self.estimator} {self.images} B={self.batch} K={self.samples}"


@dataclass(frozen=True, eq=False)
class Grid:
    """Networks and images that the cells of a grid have in common.

    Attributes
    ----------
    bound : Bound
        Whose estimator is that of the cell.
    source : ImageSource
    beta : float
        Weight of the KL.
    seeds : sequence of int
        Of the S members.
    largest : int
        The largest B, of which fixed images are drawn.
    side_by_side : int
        Gradients computed together, each with a copy of the weights.
    """

    bound: Bound
    source: ImageSource
    beta: float
    seeds: Sequence[int]
    largest: int
    side_by_side: int = 1

    def rows(self, cell: Cell, weights: Weights) -> list[Row]:
        """Measure one cell.

        Parameters
        ----------
        cell : Cell
        weights : dict of Tensor
            Of the cell's state, (S, ...) each.

        Returns
        -------
        list of dict
            A row a seed and part (``phi``, ``theta``): the cell, M as ``repetitions``, and
            ``mean``, ``floor``, ``rms``, ``whole`` and ``still`` as `SignalToNoise` has them, and
            ``effective``, the mean number of codes that count, from 1 to K.

        Raises
        ------
        UserError
            If a gradient is not finite.
        """
        bound = replace(self.bound, estimator=cell.estimator)
        device = self.source.numbers.device
        drawn = IMAGES.index(cell.images), cell.batch, cell.samples
        gradients = repeated_gradients(
            bound,
            weights,
            self.source,
            torch.full((len(self.seeds),), self.beta, device=device),
            [_generator(device, seed, *drawn) for seed in self.seeds],
            cell.repetitions,
            cell.batch,
            cell.samples,
            self._fixed(cell.batch) if cell.images == "fixed" else None,
            self.side_by_side,
        )
        ratios = signal_to_noise(_finite(gradients, cell))
        effective = self._effective(bound, weights, cell)
        known = {
            "state": cell.state,
            "estimator": cell.estimator,
            "images": cell.images,
            "batch": cell.batch,
            "samples": cell.samples,
            "repetitions": cell.repetitions,
        }
        return [
            {**known, "seed": seed, "part": part, "floor": ratios[part].floor}
            | {name: float(getattr(ratios[part], name)[member]) for name in RATIOS}
            | {"effective": effective[member]}
            for part in PARTS
            for member, seed in enumerate(self.seeds)
        ]

    def _effective(self, bound: Bound, weights: Weights, cell: Cell) -> list[float]:
        """Mean of ``1 / sum_k w^2`` over some images, by member; K where all weigh the same."""
        if bound.estimator == "elbo":
            return [float(cell.samples)] * len(self.seeds)
        device = self.source.numbers.device
        numbers = self._fixed(min(cell.batch, WEIGHED))
        images = self.source.images(numbers.flatten())
        images = images.view(*numbers.shape, *images.shape[1:])
        shape = (cell.samples, numbers.shape[1], bound.model.latent_dim)
        noise = torch.stack(
            [
                torch.randn(
                    shape,
                    generator=_generator(device, seed, len(IMAGES), cell.batch, cell.samples),
                    dtype=images.dtype,
                    device=device,
                )
                for seed in self.seeds
            ]
        )
        beta = torch.full((len(self.seeds),), self.beta, device=device)
        shares = bound.shares(weights, images, noise, beta)
        return (1 / shares.square().sum(dim=1)).mean(dim=1).tolist()

    def _fixed(self, batch: int) -> Tensor:
        """Numbers of every member's fixed images, (S, batch)."""
        device = self.source.numbers.device
        drawn = [self.source.draw(self.largest, _generator(device, seed)) for seed in self.seeds]
        return torch.stack(drawn)[:, :batch]


def _generator(device: torch.device, *key: int) -> torch.Generator:
    """Make a generator that depends on these numbers alone."""
    (seed,) = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(seed >> 1))


def _finite(gradients: Iterator[Weights], cell: Cell) -> Iterator[Weights]:
    """Pass gradients on, unless one is not finite."""
    for found in gradients:
        if not all(bool(gradient.isfinite().all()) for gradient in found.values()):
            raise UserError(
                f"a gradient is not finite ({cell.name}): the network that it is taken of "
                "diverged; train it with a smaller learning_rate."
            )
        yield found
