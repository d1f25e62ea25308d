"""Signal-to-noise ratios over a grid of batches B and codes K, one cell at a time.

Every cell has generators of its own, seeded by what it is and not by when it comes, so that a grid
in parts is the same as in one go. The fixed images of a member are the same for every K and every
estimator, and those of a small batch are the first of a larger one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vaentk.bounds.bound import PARTS, Bound, Estimator, Weights
from vaentk.bounds.draws import generator, noise
from vaentk.bounds.images import ImageSource
from vaentk.bounds.signal_to_noise import repeated_gradients, signal_to_noise
from vaentk.errors import UserError

Row = dict[str, Any]
IMAGES = ("fixed", "redrawn")
WEIGHED, DRAWS = 64, 8
"""Images whose importance weights say how many codes count, and draws of the codes of each."""


@dataclass(frozen=True)
class Cell:
    """What the noise of a gradient is measured for: M repetitions of B images and K codes each."""

    state: str
    """Of the weights, ``start`` or ``end``."""
    estimator: Estimator
    images: str
    """``fixed`` or ``redrawn``."""
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
    """Networks and images that the cells of a grid have in common."""

    bound: Bound
    """Whose estimator is that of the cell."""
    source: ImageSource
    beta: float
    """Weight of the KL."""
    seeds: Sequence[int]
    """A member each."""
    largest: int
    """The largest B, of which fixed images are drawn."""
    side_by_side: int = 1
    """Gradients computed together, each with a copy of the weights."""

    def rows(self, cell: Cell, weights: Weights) -> list[Row]:
        """Measure one cell at the weights of its state, (S, ...) each.

        A row per seed and part (``phi``, ``theta``) has the cell; ``square``, ``square_error`` and
        ``noise`` of the squared signal-to-noise ratio, see `SignalToNoise`.

        Raises
        ------
        UserError
            If a gradient is not finite.
        """
        bound = replace(self.bound, estimator=cell.estimator)
        drawn = IMAGES.index(cell.images), cell.batch, cell.samples
        gradients = repeated_gradients(
            bound,
            weights,
            self.source,
            self._beta(),
            self._generators(*drawn),
            cell.repetitions,
            cell.batch,
            cell.samples,
            self._fixed(cell.batch) if cell.images == "fixed" else None,
            self.side_by_side,
        )
        ratios = signal_to_noise(gradients)
        # Looked at once a cell: every look has the host wait for the device.
        if not all(bool(ratio.noise.isfinite().all()) for ratio in ratios.values()):
            raise UserError(
                f"a gradient is not finite ({cell.name}): the network that it is taken of "
                "diverged; train it with a smaller learning_rate."
            )
        return [
            {**asdict(cell), "seed": seed, "part": part}
            | {"square": float(ratios[part].square[member])}
            | {"square_error": float(ratios[part].error[member])}
            | {"noise": float(ratios[part].noise[member])}
            for part in PARTS
            for member, seed in enumerate(self.seeds)
        ]

    def effective(self, weights: Weights, samples: int) -> Tensor:
        """Measure how many of K codes count, ``E 1 / sum_k w^2`` with the IWAE's weights w.

        Every member has `WEIGHED` images of its own, the same for every K: float64 (S, WEIGHED),
        from 1 to K, a mean over `DRAWS` draws of the codes.
        """
        bound, members = replace(self.bound, estimator="iwae"), len(self.seeds)
        chosen = torch.stack(
            [self.source.draw(WEIGHED, own) for own in self._generators(len(IMAGES))]
        )
        drawn, found = self._generators(len(IMAGES), samples), []
        for numbers in torch.split(chosen, self.largest, dim=1):
            images = self.source.of_members(numbers)
            shape = (samples, numbers.shape[1], bound.model.latent_dim)
            total = torch.zeros(
                members, numbers.shape[1], dtype=torch.float64, device=images.device
            )
            for _ in range(DRAWS):
                shares = bound.shares(weights, images, noise(shape, drawn, images), self._beta())
                total += 1 / shares.double().square().sum(dim=1)
            found.append(total / DRAWS)
        return torch.cat(found, dim=1).cpu()

    def _beta(self) -> Tensor:
        return torch.full((len(self.seeds),), self.beta, device=self.source.numbers.device)

    def _generators(self, *key: int) -> list[torch.Generator]:
        """A generator a member, which depends on its seed and these numbers alone."""
        return [generator(self.source.numbers.device, seed, *key) for seed in self.seeds]

    def _fixed(self, batch: int) -> Tensor:
        """Numbers of every member's fixed images, (S, batch)."""
        drawn = [self.source.draw(self.largest, own) for own in self._generators()]
        return torch.stack(drawn)[:, :batch]
