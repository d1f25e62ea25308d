"""VAEs whose ELBO is known exactly without being that of a linear Gaussian model: what they share.

Parameters are one row of numbers a run, float64 (R, P), so that a gradient by them is autograd's.
"""

from typing import Protocol

import torch
from jaxtyping import Float64
from torch import Tensor


class ExactVae(Protocol):
    """A VAE on a data set: its negative ELBO exactly, and from draws, in nats a data point."""

    @property
    def points(self) -> int:
        """Number N of data points."""

    @property
    def size(self) -> int:
        """Number P of parameters."""

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Of the standard normal numbers that one code takes."""

    def loss(self, parameters: Float64[Tensor, "R P"]) -> Float64[Tensor, " R"]:
        """Mean negative ELBO over the data set."""

    def sampled_loss(
        self,
        parameters: Float64[Tensor, "R P"],
        numbers: Tensor,
        noise: Float64[Tensor, "R K B *noise"],
    ) -> Float64[Tensor, " R"]:
        """Estimate it, without bias, from points numbered int64 (R, B) and K codes of each."""


def gradient(loss: Tensor, parameters: Tensor) -> Tensor:
    """Return the gradient of every run's loss, (R,), by its own parameters, (R, P)."""
    found: Tensor
    (found,) = torch.autograd.grad(loss.sum(), parameters)
    return found


def largest_curvature(model: ExactVae, parameters: Tensor) -> Tensor:
    """Largest ``|eigenvalue|`` of the loss's Hessian at every row of parameters: (R,)."""

    def alone(row: Tensor) -> Tensor:
        return model.loss(row[None])[0]

    hessian = torch.autograd.functional.hessian
    hessians = [hessian(alone, row) for row in parameters]  # type: ignore[no-untyped-call]
    largest: Tensor = torch.linalg.eigvalsh(torch.stack(hessians)).abs().amax(dim=1)
    return largest
