"""Training one variant of a deep Gaussian VAE, all seeds side by side (S2 to S4)."""

from dataclasses import replace
from typing import Any

import pandas as pd

from vaentk.bounds.bound import Bound
from vaentk.bounds.images import ImageSource
from vaentk.data.image_set import ImageSet
from vaentk.data.stored import Stored
from vaentk.errors import UserError
from vaentk.experiments.convergence.deep_vae import DeepTraining
from vaentk.experiments.convergence.deep_vae.networks import likelihood_of, model_of, source_of
from vaentk.models.image_vae import ImageVae
from vaentk.runtime.checkpoints import Chunk
from vaentk.runtime.job import Job
from vaentk.runtime.memory import fitting
from vaentk.runtime.trainings import Training, train_members
from vaentk.training import deep
from vaentk.training.deep import Recipe, evaluation_steps
from vaentk.training.evaluation import Evaluation
from vaentk.training.footprints import deep_member
from vaentk.training.state import State, Tick


def train(settings: DeepTraining, part: str, *, images: Stored, task: Job) -> dict[str, Any]:
    """Train all seeds of one variant.

    ``records`` have a row per evaluation and seed, as `vaentk.training.deep` has them; ``weights``
    are
    ``start/<name>`` and ``end/<name>``, before and after, (S, ...) each.
    """
    network, estimator = settings.network, settings.estimator
    faces = ImageSet.of(images.arrays, images.note).to(task.device)
    model, source = model_of(network, faces.facts.shape[0]), source_of(network, faces)
    codes = codes_at_once(settings, model, task.device)
    bound = Bound(model, likelihood_of(network), estimator, codes)
    evaluation = _evaluation(settings, source, faces)
    recipe = _recipe(settings, part, len(source.numbers))
    drawn = model.initial_weights(settings.seeds)
    start = {name: weight.to(task.device) for name, weight in drawn.items()}

    def begin(chunk: Chunk) -> State:
        return deep.initial_state({name: weight[list(chunk)] for name, weight in start.items()})

    def run(chunk: Chunk, state: State, tick: Tick) -> State:
        own = replace(recipe, seeds=tuple(settings.seeds[place] for place in chunk))
        return deep.train(bound, source, evaluation, own, state, tick, task.threads)

    training = Training(
        label=part,
        members=[{"seed": seed} for seed in settings.seeds],
        steps=recipe.steps,
        start=begin,
        run=run,
        member_bytes=deep_member(model, settings.batch, codes or settings.codes),
        depends_on=(faces.facts.text(), len(faces)),
    )
    state = train_members(training, task)
    weights = {f"start/{name}": weight for name, weight in start.items()}
    weights |= {f"end/{name}": weight for name, weight in state.part("weights").items()}
    arrays = {name: weight.cpu().numpy() for name, weight in weights.items()}
    return {"records": pd.DataFrame(state.records), "weights": arrays}


def codes_at_once(settings: DeepTraining, model: ImageVae, device: str) -> int | None:
    """Codes of an image that are decoded together; None for all.

    Where the settings leave it open, a GPU decodes as many as its memory holds for all members
    side by side: parts of the codes are decoded twice.
    """
    if settings.codes_at_once or device != "cuda":
        return settings.codes_at_once
    none, one = (deep_member(model, settings.batch, codes) for codes in (0, 1))
    members = len(settings.seeds)
    each, taken = members * (one - none), members * none
    return fitting(settings.codes, each, device, taken, "codes decoded together")


def _recipe(settings: DeepTraining, variant: str, images: int) -> Recipe:
    """How a variant is trained on so many images."""
    epoch = images // settings.batch
    if not epoch:
        raise UserError(
            f"batch is {settings.batch}, and there are {images} training images: lower batch."
        )
    return Recipe(
        variant=variant,
        seeds=settings.seeds,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        stepping=settings.stepping,
        optimiser=settings.optimiser,
        codes=settings.codes,
        beta=settings.beta,
        independent=settings.drawn == "independently",
        evaluated=evaluation_steps(settings.epochs * epoch, epoch, settings.per_decade),
    )


def _evaluation(settings: DeepTraining, source: ImageSource, images: ImageSet) -> Evaluation:
    """What a variant is measured on; held-out images are of the test part."""
    parts = {
        "train": replace(source, numbers=source.numbers[: settings.scored]),
        "held_out": source_of(settings.network, images, "test", settings.scored),
    }
    return Evaluation(parts, settings.common_codes, settings.batch)
