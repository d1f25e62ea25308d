"""Training one latent size of Figure 4, all seeds, on the training faces (W6)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from vaentk.data.image_set import ImageSet
from vaentk.data.stored import Stored
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.training import train_vaes
from vaentk.models import latent_traversals as traversals
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime.job import Job
from vaentk.training.minibatch import Member, Recipe


def train(settings: Discovery, part: int, *, images: Stored, task: Job) -> dict[str, Any]:
    """Train one latent size, and encode the faces.

    ``codes`` has an entry a seed, S in all: ``weights/<name>`` (S, ...), by part of the faces
    ``<part>/mean`` and ``<part>/logvar`` (S, n, q), and ``test/reconstruction`` (S,) in nats.
    """
    faces = ImageSet.of(images.arrays, images.note).pooled(settings.side)
    sizes = ConvVAE.of_side(faces.facts.shape[0], part, settings.side)
    model = replace(sizes, precision=settings.precision)
    members = [Member(seed, settings.beta) for seed in settings.seeds]
    recipe = Recipe.observed(settings.steps, settings.batch, settings.learning_rate)
    learnt = faces.only("train").to(task.device)
    state = train_vaes(model, learnt, members, recipe, task)
    weights = state.part("weights")
    arrays = {f"weights/{name}": weight for name, weight in weights.items()}
    for name in ("train", "validation", "test"):
        own = faces.only(name).to(task.device)
        numbers = np.arange(len(own))[: settings.probed if name == "train" else None]
        mean, logvar = traversals.encode(model, weights, own, numbers)
        arrays |= {f"{name}/mean": mean, f"{name}/logvar": logvar}
    # The last part is the test images.
    arrays["test/reconstruction"] = traversals.reconstruction_error(
        model, weights, own, numbers, mean
    )
    codes = {name: array.cpu().numpy() for name, array in arrays.items()}
    return {"records": pd.DataFrame(state.records), "codes": codes}
