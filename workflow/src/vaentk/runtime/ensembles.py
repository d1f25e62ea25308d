"""An ensemble of VAEs trained in one job, with checkpoints, progress and TensorBoard.

On a CPU a member ends with the same bytes whoever is trained beside it. On a GPU as many members
are trained side by side as fit into its memory, and their last digits may differ with that number.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from vaentk.costs.footprints import conv_member
from vaentk.data.image_set import ImageSet
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime import progress
from vaentk.runtime.board import Board
from vaentk.runtime.group_checkpoints import GroupCheckpoints, Places
from vaentk.runtime.groups import fitting, in_groups
from vaentk.runtime.job import Job
from vaentk.training.minibatch import Member, Recipe, State, initial_state, train


def train_ensemble(
    model: ConvVAE,
    images: ImageSet,
    members: Sequence[Member],
    recipe: Recipe,
    job: Job,
    folder: Path,
) -> State:
    """Train all members, from their checkpoints if there are any.

    Parameters
    ----------
    model, images, members, recipe
        As for `vaentk.training.minibatch.train`; the images on the job's device.
    job : Job
        Gives the device, the log and the parameters.
    folder : Path
        Where checkpoints live until they are forgotten; not a declared result.
    """
    # A generator's state is its device's own, and a stand-in's file may give way to real images.
    known = [job.device, job.params, images.facts.text(), len(images)]
    kept = GroupCheckpoints(
        folder,
        json.dumps(known),
        job.params["checkpoint_seconds"],
        [(member.seed, member.beta) for member in members],
        lambda record: (record["seed"], record["beta"]),
    )

    def work(group: Places) -> State:
        return _train_group(model, images, [members[i] for i in group], recipe, job, kept, group)

    each = conv_member(model.channels, model.latent_dim, recipe.batch)
    groups = kept.groups(fitting(len(members), each, job.device))
    found = in_groups(groups, work, kept.divide)
    tensors, records = kept.united((group, s.tensors, s.records) for group, s in found)
    return State(recipe.steps, tensors, records)


def _train_group(
    model: ConvVAE,
    images: ImageSet,
    members: Sequence[Member],
    recipe: Recipe,
    job: Job,
    kept: GroupCheckpoints,
    group: Places,
) -> State:
    """Train some members side by side."""
    checkpoint = kept.of(group)
    found = checkpoint.load(job.device)
    state = State(*found[:3]) if found else initial_state(model, members, job.device)
    what = f"latent {model.latent_dim}, {len(members)} members"
    bar = progress.bar(recipe.steps, state.step, what)
    board = Board(job.log_file.with_suffix(""), model, images, members, recipe, state)

    def tick(state: State) -> None:
        bar.update(state.step - bar.n)
        board.show(state)
        checkpoint.offer(state.step, state.tensors, state.records)

    try:
        state = train(model, images, members, recipe, state, tick, job.threads)
    finally:
        bar.close()
        board.close()
    if len(group) < len(kept.members):  # the other groups are still to come
        checkpoint.save(state.step, state.tensors, state.records)
    return state
