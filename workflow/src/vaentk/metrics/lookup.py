"""Codes looked up by image number, so that an image is encoded once for all metrics."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.int64]

VALUES_AT_ONCE: Final = 1 << 18  # of a block: few enough for a cache, enough for a GPU


class Drawn(Protocol):
    """A metric's sample, which knows the images that it asks for."""

    def images(self) -> Numbers:
        """Numbers of its images in any order, with repetitions: int64 (n,)."""
        ...


def needed(samples: Iterable[Drawn]) -> Numbers:
    """Numbers of all images that samples ask for, ascending, each once: int64 (n,)."""
    return np.unique(np.concatenate([sample.images() for sample in samples]))


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes of some of the images, looked up as if all had been encoded.

    Attributes
    ----------
    numbers : int64 (n,)
        Image numbers, ascending, on the device of the rows; `needed` gives them.
    rows : float (n, latent)
        Code of each of these images.

    Raises
    ------
    ValueError
        If the numbers do not ascend, or there is not one for each row.
    """

    numbers: Tensor
    rows: Tensor

    def __post_init__(self) -> None:
        if len(self.numbers) != len(self.rows):
            raise ValueError(f"{len(self.numbers)} numbers cannot name {len(self.rows)} codes.")
        if (self.numbers.diff() <= 0).any():
            raise ValueError("The numbers of encoded images must ascend.")

    @property
    def device(self) -> torch.device:
        """Where the codes are."""
        return self.rows.device

    @property
    def shape(self) -> torch.Size:
        """Images and latent units."""
        return self.rows.shape

    def __getitem__(self, numbers: Tensor) -> Tensor:
        """Codes of images: int64 (b,) to (b, latent).

        Raises
        ------
        KeyError
            If one of them has no code.
        """
        places = torch.searchsorted(self.numbers, numbers).clamp_(max=len(self.numbers) - 1)
        if (self.numbers[places] != numbers).any():
            raise KeyError("An image of the sample has no code: encode all that `needed` names.")
        return self.rows.index_select(0, places)


Lookup = Tensor | Codes
"""Codes of all images of a grid, in order, (n, latent), or of some of them."""


def rows(codes: Lookup, numbers: Numbers | Tensor) -> Tensor:
    """Copy codes of images, on the codes' device: int64 of any shape to (*shape, latent)."""
    wanted = torch.as_tensor(numbers, device=codes.device)
    flat = wanted.reshape(-1)
    # index_select copies whole rows; indexing by a tensor takes several times as long.
    found = codes[flat] if isinstance(codes, Codes) else codes.index_select(0, flat)
    return found.reshape(*wanted.shape, codes.shape[1])


def blocks(codes: Lookup, numbers: Numbers) -> Iterator[Tensor]:
    """Codes of images in consecutive parts, each of about `VALUES_AT_ONCE` numbers at most.

    Parameters
    ----------
    codes
        Codes by image number.
    numbers : int64 (n, ...)
        Image numbers.

    Yields
    ------
    Tensor
        (part, ..., latent), the parts in order along the first axis.
    """
    each = max(1, numbers[:1].size * codes.shape[1])
    moved = torch.from_numpy(numbers).to(codes.device)
    for part in torch.split(moved, max(1, VALUES_AT_ONCE // each)):
        yield rows(codes, part)
