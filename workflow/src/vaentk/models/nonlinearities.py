"""What a deep VAE applies after its layers, as torch computes it fastest under autograd."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

import torch
from torch import Tensor
from torch.nn import functional

from vaentk.activations import NEGATIVE_SLOPE, soft_clip
from vaentk.errors import UserError

Nonlinearity = Callable[[Tensor], Tensor]

HIDDEN_BOUNDS: Final = (0.0, 50.0)
MEAN_BOUNDS: Final = (-50.0, 50.0)
LOGVAR_BOUNDS: Final = (-20.0, 20.0)
"""Where Surendran et al. 2024 clip hidden units and the encoder's two heads."""


def _unchanged(z: Tensor) -> Tensor:
    return z


UNCLIPPED: Final[dict[str, Nonlinearity]] = {
    "identity": _unchanged,
    "erf": torch.erf,
    "relu": torch.relu,
    "leaky_relu": partial(functional.leaky_relu, negative_slope=NEGATIVE_SLOPE),
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "softplus": partial(functional.softplus, threshold=50),
    "sigmoid": torch.sigmoid,
}
"""The functions of `vaentk.activations.ACTIVATIONS`, by the same names."""


@dataclass(frozen=True)
class Nonlinearities:
    """Elementwise functions after the hidden layers of a VAE and after its encoder's two heads.

    The decoder's last layer has none.
    """

    hidden: Nonlinearity
    mean: Nonlinearity = _unchanged
    logvar: Nonlinearity = _unchanged

    @classmethod
    def named(cls, name: str) -> Self:
        """One of `UNCLIPPED` in the hidden layers, and heads without bounds.

        Raises
        ------
        UserError
            If there is no such function.
        """
        if name not in UNCLIPPED:
            known = ", ".join(sorted(UNCLIPPED))
            raise UserError(f"activation {name!r} is not known: choose one of {known}.")
        return cls(UNCLIPPED[name])

    @classmethod
    def soft_clipping(cls, sharpness: float) -> Self:
        """Generalised soft-clipping everywhere, with the bounds of Surendran et al. 2024.

        The sharpness is their s > 0, which they take from {1, 2, 5, 10}; the function tends to
        clipping as it grows, and the largest slope of its slope is s/4.
        """
        clips = [
            partial(soft_clip, sharpness=sharpness, lower=lower, upper=upper)
            for lower, upper in (HIDDEN_BOUNDS, MEAN_BOUNDS, LOGVAR_BOUNDS)
        ]
        return cls(*clips)


RELU: Final = Nonlinearities(torch.relu_)
"""In place: what goes in is not used again."""
