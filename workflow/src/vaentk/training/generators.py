"""Generators of random numbers, one a member, whose states a `State` holds: uint8 (S, bytes)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def fresh(seeds: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
    """States of fresh generators; other streams than those that drew the members' weights."""
    generators = [torch.Generator(device).manual_seed(~seed % 2**63) for seed in seeds]
    return states_of(generators)


def restored(states: Tensor, device: torch.device | str = "cpu") -> list[torch.Generator]:
    """Generators that go on from their states."""
    generators = [torch.Generator(device) for _ in states]
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state.clone())  # a view would crash torch
    return generators


def states_of(generators: Sequence[torch.Generator]) -> Tensor:
    """Where generators are now."""
    return torch.stack([generator.get_state() for generator in generators])
