"""A variant of a deep Gaussian VAE trained in one job: checkpoints, progress and TensorBoard."""

import json
from pathlib import Path

import pandas as pd
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from vaentk import progress
from vaentk.bounds.bound import Bound
from vaentk.bounds.deep import likelihood_of, model_of
from vaentk.checkpoints import Checkpoint
from vaentk.data.image_set import ImageSet
from vaentk.experiments.deep_vae import DeepTraining
from vaentk.job import Job
from vaentk.training.deep import Recipe, State, initial_state, train
from vaentk.training.looks import Gauge


def train_variant(
    settings: DeepTraining, variant: str, images: ImageSet, job: Job, folder: Path
) -> tuple[pd.DataFrame, dict[str, Tensor]]:
    """Train all seeds, from their checkpoint if there is one.

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
        Where the checkpoint lives until it is forgotten; not a declared result.

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
    checkpoint = Checkpoint(
        folder / "ensemble.safetensors", json.dumps(known), job.params["checkpoint_seconds"]
    )
    kept = checkpoint.load(job.device)
    state = State(*kept[:3]) if kept else initial_state(start)
    bar = progress.bar(recipe.steps, state.step, f"{variant}, {len(settings.seeds)} seeds")
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
        train(bound, gauge.images, gauge, recipe, state, tick, job.threads)
    finally:
        bar.close()
        board.close()
    weights = {f"start/{name}": weight for name, weight in start.items()}
    weights |= {f"end/{name}": weight for name, weight in state.part("weights").items()}
    return pd.DataFrame(state.records), weights
