"""An ensemble of VAEs trained in one job, with checkpoints, progress and TensorBoard."""

import json
from collections.abc import Sequence
from pathlib import Path

from vaentk import progress
from vaentk.board import Board
from vaentk.checkpoints import Checkpoint
from vaentk.data.image_set import ImageSet
from vaentk.job import Job
from vaentk.models.conv_vae import ConvVAE
from vaentk.training.minibatch import Member, Recipe, State, initial_state, train


def train_ensemble(
    model: ConvVAE,
    images: ImageSet,
    members: Sequence[Member],
    recipe: Recipe,
    job: Job,
    folder: Path,
) -> State:
    """Train all members, from their checkpoint if there is one.

    Parameters
    ----------
    model, images, members, recipe
        As for `vaentk.training.minibatch.train`; the images on the job's device.
    job : Job
        Gives the device, the log and the parameters.
    folder : Path
        Where the checkpoint lives until it is forgotten; not a declared result.
    """
    path = folder / "ensemble.safetensors"
    # A generator's state is its device's own, and a stand-in's file may give way to real images.
    known = [job.device, job.params, images.facts.text(), len(images)]
    fingerprint = json.dumps(known)
    checkpoint = Checkpoint(path, fingerprint, job.params["checkpoint_seconds"])
    kept = checkpoint.load(job.device)
    state = State(*kept[:3]) if kept else initial_state(model, members, job.device)
    what = f"latent {model.latent_dim}, {len(members)} members"
    bar = progress.bar(recipe.steps, state.step, what)
    board = Board(job.log_file.with_suffix(""), model, images, members, recipe, state)

    def tick(state: State) -> None:
        bar.update(state.step - bar.n)
        board.show(state)
        checkpoint.offer(state.step, state.tensors, state.records)

    try:
        return train(model, images, members, recipe, state, tick, job.threads)
    finally:
        bar.close()
        board.close()
