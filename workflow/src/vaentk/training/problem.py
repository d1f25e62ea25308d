"""One width of one run: the network, its objective and its schedule, from settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Activation, Smoothing
from vaentk.data import mnist
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.ridge import PenalisedMean
from vaentk.experiments.ntk.settings import Inputs
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.models.forward import Model, Weights
from vaentk.models.latent import Latent, Noiseless, Sampled
from vaentk.models.mlp_vae import MlpVae
from vaentk.models.snn import StochasticNetwork
from vaentk.training import schedule
from vaentk.training.objectives import Objective
from vaentk.training.schedule import Schedule
from vaentk.training.stability import stability_limit

Case = LinearRate | WeightChange | PenalisedMean
"""What can be trained: Eq. 2's network on Eq. 7 or on Eq. 12, Figure 2's network on Eq. 4."""

GROWTH = 1.5
"""How far a latent deviation of Eq. 2's network may grow before the quadrature was not checked."""

QUADRATURE_TOLERANCE = {"float32": 1e-6, "float64": 1e-11}
"""Error of the latent's smoothing that training in a precision can tell from rounding."""


def inputs_of(
    wanted: Inputs, stored: Mapping[str, NDArray[Any]], run: Inputs
) -> NDArray[np.float64]:
    """Return the inputs of a variant, (n, d), from the images of its run.

    Parameters
    ----------
    wanted
        The variant's settings, with no more samples than the run has.
    stored
        The run's ``x``, ``images`` and ``labels``.
    run
        The run's own settings.
    """
    if wanted == run:
        return stored["x"]
    generator = np.random.default_rng(wanted.data_seed)
    chosen = mnist.balanced_subset(stored["labels"], wanted.samples, generator)
    chosen = np.arange(run.samples) if wanted.samples == run.samples else np.sort(chosen)
    return mnist.inputs(stored["images"][chosen], wanted.resolution, wanted.scaling)


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
    held_out
        Inputs that are not trained on and whose outputs are wanted too, (n', d), or None.
    """

    settings: Case
    width: int
    x: NDArray[np.float64]
    dtype: str
    device: str
    duration: float
    held_out: NDArray[np.float64] | None = None

    @property
    def subject(self) -> str:
        """Name the problem in an error."""
        return f"width {self.width}"

    @property
    def beta(self) -> float:
        """Weight of the KL term, in Eq. 7's units."""
        return self.settings.beta if isinstance(self.settings, WeightChange) else 0.0

    @property
    def penalty(self) -> float:
        """Weight of Eq. 12's penalty on the displacement."""
        return self.settings.beta if isinstance(self.settings, PenalisedMean) else 0.0

    def model(self, seeds: tuple[int, ...] = ()) -> Model:
        """Build the network on its inputs, with the noise of these members where it is sampled."""
        return self._network(self.x, seeds)

    def model_kept(self, seeds: tuple[int, ...] = ()) -> Model:
        """Build the network on the inputs whose outputs are kept: its own, then those held out."""
        parts = [self.x] if self.held_out is None else [self.x, self.held_out]
        return self._network(np.concatenate(parts), seeds)

    def _network(self, inputs: NDArray[np.float64], seeds: tuple[int, ...]) -> Model:
        x = torch.from_numpy(inputs).to(getattr(torch, self.dtype)).to(self.device)
        settings = self.settings
        latent = self._latent(ACTIVATIONS[settings.activation], seeds)
        if isinstance(settings, WeightChange):
            activation = ACTIVATIONS[settings.activation]
            return MlpVae(x, self.width, settings.sigma0, activation, latent)
        if isinstance(settings, PenalisedMean):
            return StochasticNetwork(
                x, self.width, settings.sigma0, latent, ("mu",), settings.antisymmetric
            )
        return StochasticNetwork(x, self.width, settings.sigma0, latent, settings.trained)

    def _latent(self, activation: Activation, seeds: tuple[int, ...]) -> Latent:
        """Choose how the noise enters; without seeds, sampled noise is in expectation."""
        settings = self.settings
        noise = settings.noise if isinstance(settings, WeightChange) else "expected"
        if noise == "none":
            return Noiseless(activation)
        if noise == "sampled" and seeds:
            return Sampled(activation, seeds)
        # The latent's initial standard deviation is sigma0 times the norm of what it is fed: rows
        # of x, or hidden units that quadrature's activations bound by 1 before the 1/sqrt(m).
        deep = isinstance(settings, WeightChange)
        reach = 1.0 if deep else float(np.linalg.norm(self.x, axis=1).max())
        tolerance = QUADRATURE_TOLERANCE[self.dtype]
        room = 1.0 if deep else GROWTH
        return Smoothing(activation, settings.sigma0 * room * max(1.0, reach), tolerance)

    def objective(self, model: Model, initial: Weights) -> Objective:
        """Build Eq. 4 for given initial weights (Eq. 7 where beta is 0)."""
        targets = self._targets(initial)
        start = model.forward(initial) if self.beta else None
        return Objective(targets, self.beta, start, self.penalty)

    def limit(self, seed: int) -> float:
        """Compute the stability limit of one member."""
        model = self.model()
        return stability_limit(model, model.initial_weights((seed,)), self.beta, self.penalty)

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
