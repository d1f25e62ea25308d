"""Random numbers of members side by side, a generator for each."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def generator(device: torch.device, *key: int) -> torch.Generator:
    """A generator of its own for every key: a seed, a purpose, a number."""
    (drawn,) = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(drawn >> np.uint64(1)))


def noise(shape: tuple[int, ...], generators: Sequence[torch.Generator], like: Tensor) -> Tensor:
    """Draw standard normal numbers (S, *shape), of a tensor's dtype and on its device."""
    return torch.stack([like.new_empty(shape).normal_(generator=own) for own in generators])
