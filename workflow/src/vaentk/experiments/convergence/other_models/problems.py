"""The models of a run, each on data that its own decoder draws."""

from typing import Any

import numpy as np
import torch

from vaentk.experiments.convergence.other_models import SEQUENTIAL, OtherModels
from vaentk.models.exact_vae import ExactVae
from vaentk.models.generalised_linear_vae import GeneralisedLinearVae
from vaentk.models.state_space_vae import StateSpaceVae, sequences


def models_of(settings: OtherModels) -> dict[str, ExactVae]:
    """Build all models by name."""
    models: dict[str, ExactVae] = {
        family: GeneralisedLinearVae(family, counts(settings, family), settings.latent_dim)
        for family in settings.families
    }
    loading = torch.linspace(-1, 1, settings.dim, dtype=torch.float64)
    for radius in settings.radii:
        drawn = sequences(radius, loading, settings.length, settings.points, settings.data_seed)
        models[f"{SEQUENTIAL}-{radius:.2f}"] = StateSpaceVae(radius, drawn)
    return models


def counts(settings: OtherModels, family: str) -> torch.Tensor:
    """Draw data of a family, (N, d), with eta = W z and entries of W from N(0, 1/2).

    Both Poisson models have the same data, with eta cut at 2.
    """
    draws = np.random.default_rng(settings.data_seed)
    w = draws.normal(0, 0.5**0.5, (settings.dim, settings.latent_dim))
    eta = draws.normal(size=(settings.points, settings.latent_dim)) @ w.T
    drawn: Any
    if family == "bernoulli":
        drawn = draws.random(eta.shape) < 1 / (1 + np.exp(-eta))
    elif family == "laplace":
        drawn = draws.laplace(eta)
    else:
        drawn = draws.poisson(np.exp(np.minimum(eta, 2)))
    return torch.from_numpy(np.asarray(drawn, dtype=float))
