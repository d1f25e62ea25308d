"""Codes looked up by image number, whole rows at a time."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.int64]

VALUES_AT_ONCE: Final = 1 << 18  # of a block: few enough for a cache, enough for a GPU


def rows(codes: Float[Tensor, "images latent"], numbers: Numbers | Tensor) -> Tensor:
    """Copy codes of images, on the codes' device: int64 of any shape to (*shape, latent)."""
    wanted = torch.as_tensor(numbers, device=codes.device)
    # index_select copies whole rows; indexing by a tensor takes several times as long.
    return codes.index_select(0, wanted.reshape(-1)).reshape(*wanted.shape, codes.shape[1])


def blocks(
    codes: Float[Tensor, "images latent"], numbers: Int64[Numbers, "n ..."]
) -> Iterator[Float[Tensor, "part ... latent"]]:
    """Give codes of images in consecutive parts, each of about `VALUES_AT_ONCE` at most."""
    each = max(1, numbers[:1].size * codes.shape[1])
    moved = torch.from_numpy(numbers).to(codes.device)
    for part in torch.split(moved, max(1, VALUES_AT_ONCE // each)):
        yield rows(codes, part)
