"""What a beta-VAE of Figure 3 or 4 has less than disentanglement_lib's."""

from typing import Final

FULL_SIDE: Final = 64
FULL_STEPS: Final = 300_000
"""Pixels a side, and updates."""


def said_of(side: int, steps: int, network: str = "") -> str:
    """Say in words what is less; empty where nothing is."""
    said = [f"{side}x{side} pixels"] * (side < FULL_SIDE)
    said += [network] * bool(network)
    said += [f"{steps:,} of {FULL_STEPS:,} steps"] * (steps < FULL_STEPS)
    return ", ".join(said)
