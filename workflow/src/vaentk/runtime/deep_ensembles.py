"""A variant of a deep Gaussian VAE trained in one job: checkpoints, progress and TensorBoard.

On a CPU a seed ends with the same bytes whoever is trained beside it. On a GPU as many seeds are
trained side by side as fit into its memory, and their last digits may differ with that number.
"""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from vaentk.bounds.bound import Bound
from vaentk.bounds.deep import likelihood_of, model_of
from vaentk.costs.footprints import deep_member
from vaentk.data.image_set import ImageSet
from vaentk.experiments.convergence.deep_vae import DeepTraining
from vaentk.runtime import progress
from vaentk.runtime.group_checkpoints import GroupCheckpoints, Places
from vaentk.runtime.groups import fitting, in_groups
from vaentk.runtime.job import Job
from vaentk.training.deep import Recipe, State, initial_state, train
from vaentk.training.looks import Gauge


def train_variant(
    settings: DeepTraining, variant: str, images: ImageSet, job: Job, folder: Path
) -> tuple[pd.DataFrame, dict[str, Tensor]]:
    """Train all seeds, from their checkpoints if there are any.

    Parameters
    ----------
    settings : DeepTraining
    variant : str
        Its name.
    images : ImageSet
        On the job's device.
    job : Job
        Gives the device, the log and the parameters.
    folder : Path
        Where checkpoints live until they are forgotten; not a declared result.

    Returns
    -------
    DataFrame
        A row a look and seed, as `vaentk.training.looks.Gauge.look` has them.
    dict of Tensor
        ``start/<name>`` and ``end/<name>``, the weights before and after, (S, ...) each.
    """
    model = model_of(settings.network, images.facts.shape[0])
    likelihood = likelihood_of(settings.network)
    bound = Bound(model, likelihood, settings.estimator, settings.codes_at_once)
    gauge = Gauge.of(settings, images)
    recipe = Recipe.of(settings, variant, len(gauge.images.numbers))
    drawn = model.initial_weights(settings.seeds)
    start = {name: weight.to(job.device) for name, weight in drawn.items()}
    known = [job.device, job.params, images.facts.text(), len(images)]
    kept = GroupCheckpoints(
        folder,
        json.dumps(known),
        job.params["checkpoint_seconds"],
        settings.seeds,
        lambda record: record["seed"],
    )

    def work(group: Places) -> State:
        seeds = tuple(settings.seeds[place] for place in group)
        own = {name: weight[list(group)] for name, weight in start.items()}
        return _train_group(bound, gauge, replace(recipe, seeds=seeds), own, job, kept, group)

    each = deep_member(model, settings.batch, settings.codes_at_once or settings.codes)
    groups = kept.groups(fitting(len(settings.seeds), each, job.device))
    found = in_groups(groups, work, kept.divide)
    tensors, records = kept.united((group, s.tensors, s.records) for group, s in found)
    ended = State(recipe.steps, tensors, records)
    weights = {f"start/{name}": weight for name, weight in start.items()}
    weights |= {f"end/{name}": weight for name, weight in ended.part("weights").items()}
    return pd.DataFrame(ended.records), weights


def _train_group(
    bound: Bound,
    gauge: Gauge,
    recipe: Recipe,
    start: dict[str, Tensor],
    job: Job,
    kept: GroupCheckpoints,
    group: Places,
) -> State:
    """Train some seeds side by side."""
    checkpoint = kept.of(group)
    found = checkpoint.load(job.device)
    state = State(*found[:3]) if found else initial_state(start)
    bar = progress.bar(recipe.steps, state.step, f"{recipe.variant}, {len(recipe.seeds)} seeds")
    board = SummaryWriter(str(job.log_file.with_suffix("")), purge_step=state.step)
    shown = len(state.records)

    def tick(state: State) -> None:
        nonlocal shown
        bar.update(state.step - bar.n)
        for record in state.records[shown:]:
            for name in record.keys() - {"seed", "step", "epoch"}:
                tag = f"{name}/seed-{record['seed']}"
                board.add_scalar(tag, record[name], int(record["step"]))
        shown = len(state.records)
        checkpoint.offer(state.step, state.tensors, state.records)

    try:
        state = train(bound, gauge.images, gauge, recipe, state, tick, job.threads)
    finally:
        bar.close()
        board.close()
    if len(group) < len(kept.members):  # the other groups are still to come
        checkpoint.save(state.step, state.tensors, state.records)
    return state
