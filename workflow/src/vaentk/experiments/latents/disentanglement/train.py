"""Training one latent size of Figure 3, all seeds and betas (W5)."""

from itertools import product
from typing import Any

import pandas as pd

from vaentk.data.image_set import ImageSet
from vaentk.data.sets import SETS
from vaentk.data.stored import Stored
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.latents.training import train_vaes
from vaentk.models import latent_traversals as traversals
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.dense_vae import DenseVAE
from vaentk.models.image_vae import ImageVae
from vaentk.runtime.job import Job
from vaentk.training.minibatch import Member, Recipe, initial_state


def model_of(settings: Disentanglement, latent_dim: int) -> ImageVae:
    """Build the network of the settings at one latent size."""
    channels = SETS[settings.dataset].channels
    if settings.model == "conv":
        return ConvVAE(channels, latent_dim, precision=settings.precision)
    sizes = channels, settings.side, latent_dim, settings.hidden
    return DenseVAE(*sizes, precision=settings.precision)


def train(settings: Disentanglement, part: int, *, images: Stored, task: Job) -> dict[str, Any]:
    """Train one latent size, and encode the images that scores are measured on.

    ``codes`` has an entry a seed and beta, S in all: ``trained/mean`` and ``trained/logvar``
    (S, n, q), ``untrained/mean`` of the same networks at their start, ``<step>/mean`` at the steps
    that are kept, ``reconstruction`` (S,), the Bernoulli negative log-likelihood of the mean's
    decoding in nats, and ``strips`` (S, rows, columns, c, h, w).
    """
    pixels = ImageSet.of(images.arrays, images.note).pooled(settings.side).to(task.device)
    model = model_of(settings, part)
    members = [Member(seed, beta) for seed, beta in product(settings.seeds, settings.betas)]
    recipe = Recipe.observed(settings.steps, settings.batch, settings.learning_rate, settings.kept)
    state = train_vaes(model, pixels, members, recipe, task)
    weights = state.part("weights")
    assert pixels.facts.grid is not None, "images without factors"
    grid, numbers = traversals.part_of(pixels.facts.grid, settings.every)
    mean, logvar = traversals.encode(model, weights, pixels, numbers)
    arrays = {
        "trained/mean": mean,
        "trained/logvar": logvar,
        "reconstruction": traversals.reconstruction_error(model, weights, pixels, numbers, mean),
        "strips": traversals.strips(model, weights, mean, logvar, len(grid) // 3),
    }
    before = {"untrained": initial_state(model, members, task.device).part("weights")}
    before |= {str(step): state.part(f"kept/{step}") for step in settings.kept}
    for name, earlier in before.items():
        arrays[f"{name}/mean"], _ = traversals.encode(model, earlier, pixels, numbers)
    codes = {name: array.cpu().numpy() for name, array in arrays.items()}
    return {"records": pd.DataFrame(state.records), "codes": codes}
