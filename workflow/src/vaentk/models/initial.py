"""Initial weights: one stream of random numbers a member and layer, the same on every device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def standard_normal(
    shape: tuple[int, ...],
    seeds: Sequence[int],
    stream: int,
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Draw N(0, 1) weights (S, *shape), one seed per member and an independent stream an array.

    Drawn in float64 on the CPU and then rounded and moved: a member starts from the same weights
    in either precision, on either device, alone or beside others.
    """
    draws = torch.empty(len(seeds), *shape, dtype=dtype)
    for draw, seed in zip(draws, seeds, strict=True):
        state = int(np.random.SeedSequence((seed, stream)).generate_state(1, np.uint64)[0])
        generator = torch.Generator().manual_seed(state)
        draw.copy_(torch.randn(shape, generator=generator, dtype=torch.float64))
    return draws.to(device)
