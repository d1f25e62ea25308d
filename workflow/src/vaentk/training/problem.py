"""One width: a network on its inputs and what is minimised, cheap to send to another process."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.models.forward import Model, Weights
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training import erf_gradient, vae_gradient
from vaentk.training.erf_gradient import ErfGradient
from vaentk.training.gradient import GeneralGradient, Gradient
from vaentk.training.objectives import Divergence, Objective, gaussian_kl
from vaentk.training.schedule import Schedule
from vaentk.training.stability import stability_limit
from vaentk.training.vae_gradient import TanhVaeGradient

Network = Callable[[Tensor, tuple[int, ...]], Model]
"""Builds a network on inputs (n, d), with the noise of members with these seeds where it is
sampled; without seeds the noise is in expectation."""


@dataclass(frozen=True)
class Problem:
    """What a worker process needs to train members of one width, in Eq. 7's units."""

    width: int
    network: Network
    """A function of a module with its arguments, as worker processes take it."""
    x: NDArray[np.float64]
    """Inputs and targets, (n, d)."""
    dtype: str
    device: str
    schedule: Schedule
    """How far it is trained, and when it is observed."""
    member_bytes: Callable[[int], float]
    """Estimate of the memory of one member on a GPU, as a function of the number of recorded steps
    whose outputs are kept."""
    beta: float = 0.0
    """Weight of the KL term."""
    penalty: float = 0.0
    """Weight of Eq. 12's penalty on the displacement."""
    held_out: NDArray[np.float64] | None = None
    """Inputs that are not trained on and whose outputs are wanted too, (n', d)."""
    target_scale: float = 1.0
    """Targets are the inputs times this."""
    divergence: Divergence = gaussian_kl
    """The KL term's."""

    def model(self, seeds: tuple[int, ...] = ()) -> Model:
        """Build the network on its inputs, with the noise of these members where it is sampled."""
        return self.network(self._tensor(self.x), seeds)

    def model_kept(self, seeds: tuple[int, ...] = ()) -> Model:
        """Build the network on the inputs whose outputs are kept: its own, then those held out."""
        parts = [self.x] if self.held_out is None else [self.x, self.held_out]
        return self.network(self._tensor(np.concatenate(parts)), seeds)

    def objective(self, model: Model, initial: Weights) -> Objective:
        """Build Eq. 4 for given initial weights (Eq. 7 where beta is 0), or Eq. 12."""
        start = model.forward(initial) if self.beta else None
        targets = self._tensor(self.target_scale * self.x)
        return Objective(targets, self.beta, start, self.penalty, self.divergence)

    def gradient(self, seeds: tuple[int, ...]) -> Gradient:
        """Build the gradient of members, at their initial weights."""
        model = self.model(seeds)
        initial = model.initial_weights(seeds)
        objective = self.objective(model, initial)
        if isinstance(model, MlpVae) and vae_gradient.fits(model, objective):
            return TanhVaeGradient(model, objective, initial)
        if isinstance(model, StochasticNetwork) and erf_gradient.fits(model, objective):
            return ErfGradient(model, objective, initial)
        return GeneralGradient(model, objective, initial)

    def limit(self, seed: int) -> float:
        """Compute the stability limit of one member."""
        model = self.model()
        return stability_limit(model, model.initial_weights((seed,)), self.beta, self.penalty)

    def _tensor(self, inputs: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(inputs).to(getattr(torch, self.dtype)).to(self.device)
