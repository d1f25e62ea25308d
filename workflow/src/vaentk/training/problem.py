"""One width of one run: the network, its objective and its schedule, from settings."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.config import LinearRate, WeightChange
from vaentk.models.forward import Model, Weights
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.objectives import Objective
from vaentk.training import schedule
from vaentk.training.schedule import Schedule
from vaentk.training.stability import stability_limit

QUADRATURE_TOLERANCE = {"float32": 1e-6, "float64": 1e-11}
"""Error of the latent's smoothing that training in a precision can tell from rounding."""


@dataclass(frozen=True)
class Problem:
    """What a worker process needs to train members of one width; cheap to send to it.

    Attributes
    ----------
    settings
        The run.
    width
        m.
    x
        Inputs and targets, (n, d) float64.
    dtype, device
        Of training.
    duration
        Time of gradient flow to train for, in Eq. 7's units.
    """

    settings: LinearRate | WeightChange
    width: int
    x: NDArray[np.float64]
    dtype: str
    device: str
    duration: float

    @property
    def subject(self) -> str:
        """Name the problem in an error."""
        return f"width {self.width}"

    @property
    def beta(self) -> float:
        """Weight of the KL term, in Eq. 7's units."""
        return self.settings.beta if isinstance(self.settings, WeightChange) else 0.0

    def model(self) -> Model:
        """Build the network on its inputs."""
        x = torch.from_numpy(self.x).to(getattr(torch, self.dtype)).to(self.device)
        settings = self.settings
        activation = ACTIVATIONS[settings.activation]
        # The latent's initial standard deviation is sigma0 times the norm of what it is fed: rows
        # of x, or hidden units that quadrature's activations bound by 1 before the 1/sqrt(m).
        deep = isinstance(settings, WeightChange)
        reach = 1.0 if deep else float(np.linalg.norm(self.x, axis=1).max())
        tolerance = QUADRATURE_TOLERANCE[self.dtype]
        smoothing = Smoothing(activation, settings.sigma0 * max(1.0, reach), tolerance)
        if deep:
            return MlpVae(x, self.width, settings.sigma0, activation, smoothing)
        return StochasticNetwork(x, self.width, settings.sigma0, smoothing)

    def objective(self, model: Model, initial: Weights) -> Objective:
        """Build Eq. 4 for given initial weights (Eq. 7 where beta is 0)."""
        targets = self._targets(initial)
        start = model.forward(initial) if self.beta else None
        return Objective(targets, self.beta, start)

    def limit(self, seed: int) -> float:
        """Compute the stability limit of one member."""
        model = self.model()
        return stability_limit(model, model.initial_weights((seed,)), self.beta)

    def schedule(self, limit: float) -> Schedule:
        """Choose steps and learning rate for a stability limit, or refuse.

        Raises
        ------
        UserError
            When literal steps are asked for above the limit.
        """
        settings = self.settings
        if isinstance(settings, WeightChange) and settings.stepping == "literal":
            rate = schedule.eq7_learning_rate(
                settings.learning_rate, self.x.shape[1], settings.reduction
            )
            return schedule.literal(rate, settings.steps, limit, self.subject)
        return schedule.time_equivalent(self.duration, limit, settings.step_fraction)

    def _targets(self, initial: Weights) -> Tensor:
        like = next(iter(initial.values()))
        return torch.from_numpy(self.x).to(like)
