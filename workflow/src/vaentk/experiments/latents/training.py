"""Training VAEs of one latent size side by side, and what TensorBoard shows of them."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from vaentk.data.image_set import ImageSet
from vaentk.models import latent_traversals as traversals
from vaentk.models.image_vae import ImageVae
from vaentk.runtime.checkpoints import Chunk
from vaentk.runtime.job import Job
from vaentk.runtime.trainings import Training, train_members
from vaentk.training import minibatch
from vaentk.training.footprints import vae_member
from vaentk.training.minibatch import Member, Recipe
from vaentk.training.state import State, Tick

IMAGES: Final = 64
"""Images evenly spaced over the set, for the KL of each unit."""

SHOWN: Final = 8
"""Images of these that are shown with their reconstructions, at most."""


def train_vaes(
    model: ImageVae, images: ImageSet, members: Sequence[Member], recipe: Recipe, job: Job
) -> State:
    """Train all members on the job's device, on which the images are."""

    def start(chunk: Chunk) -> State:
        own = [members[place] for place in chunk]
        return minibatch.initial_state(model, own, job.device, recipe.kept)

    def run(chunk: Chunk, state: State, tick: Tick) -> State:
        own = [members[place] for place in chunk]
        return minibatch.train(model, images, own, recipe, state, tick, job.threads)

    training = Training(
        label=f"latent {model.latent_dim}",
        members=[{"seed": member.seed, "beta": member.beta} for member in members],
        steps=recipe.steps,
        start=start,
        run=run,
        member_bytes=vae_member(model, recipe.batch),
        # A stand-in's file may give way to real images.
        depends_on=(images.facts.text(), len(images)),
        pictures=partial(show_pictures, model, images),
    )
    return train_members(training, job)


def show_pictures(
    model: ImageVae, images: ImageSet, writer: SummaryWriter, names: Sequence[str], state: State
) -> None:
    """Show KL of each unit, reconstructions and traversals of every member under its name."""
    # Imported here: torchvision takes seconds.
    from torchvision.utils import make_grid

    weights = state.part("weights")
    numbers = np.linspace(0, len(images) - 1, min(IMAGES, len(images))).astype(int)
    mean, logvar = traversals.encode(model, weights, images, numbers)
    units = traversals.kl_of_units(mean, logvar).mean(1)
    some = numbers[:: -(-len(numbers) // SHOWN)]
    pictures: dict[str, Any] = {
        "reconstructions": traversals.reconstructions(model, weights, images, some),
        "traversals": traversals.strips(model, weights, mean, logvar, 0),
    }
    for place, name in enumerate(names):
        writer.add_histogram(f"kl_of_units/{name}", units[place], state.step - 1)
        for kind, of_members in pictures.items():
            rows = of_members[place]
            grid = make_grid(rows.flatten(0, 1).cpu(), nrow=rows.shape[1], padding=0)
            writer.add_image(f"{kind}/{name}", grid, state.step - 1)
