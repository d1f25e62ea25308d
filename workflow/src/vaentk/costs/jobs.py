"""The cost of any job of the workflow, by its rule and its wildcards."""

from collections.abc import Iterator, Mapping
from math import ceil, prod
from typing import Any

from vaentk.config import Config, Data, experiments
from vaentk.costs import rates
from vaentk.costs.cost import Cost
from vaentk.costs.rates import FACE, LIBRARIES, MB, PHOTOGRAPH, START
from vaentk.costs.trainings import gradients, held, images_of, training
from vaentk.data.sets import SETS
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.tangent_kernels import TangentKernels

Job = tuple[str, Mapping[str, str]]
"""A rule, and the wildcards of one of its jobs."""

ANY = 1 << 20
"""Cores of a machine that has as many as anybody would use."""


def cost_of(config: Config, job: Job, cores: int = ANY) -> Cost:
    """Estimate what a job takes, on a machine with so many cores.

    An experiment that is not known here has a cost that is assumed.
    """
    rule, wildcards = job
    stage, _, kind = rule.partition("_")
    if stage not in ("train", "measure"):
        return _data(rule, config.data)
    settings = getattr(config.experiments, kind)[wildcards["run"]]
    if stage == "measure":
        return _measure(settings, config)
    parts = experiments()[kind].parts(settings)
    [part] = [part for part in parts if str(part) == wildcards["part"]]
    return training(settings, part, config, cores)


def trainings(config: Config) -> Iterator[Job]:
    """Every job of a configuration that may use a GPU."""
    for kind, experiment in experiments().items():
        for run, settings in getattr(config.experiments, kind).items():
            for part in experiment.parts(settings):
                yield f"train_{kind}", {"run": run, "part": str(part)}
            if "task" in experiment.measured_from:
                yield f"measure_{kind}", {"run": run}


def _measure(settings: Any, config: Config) -> Cost:
    """Cost of measuring one run."""
    if isinstance(settings, GradientNoise):
        network = config.experiments.deep_vae[settings.network]
        return gradients(settings, network.variants()["base"], config)
    seconds, memory = rates.MEASURED, LIBRARIES + 200.0 * MB
    if isinstance(settings, LinearRate) and not isinstance(settings, TangentKernels):
        inputs, members = settings.inputs, len(settings.seeds) * len(settings.variants())
        size = inputs.samples * inputs.outputs * sum(settings.widths)
        seconds += members * rates.PREDICTED * size
        memory += 800 * inputs.samples * max(settings.widths)
    if isinstance(settings, Disentanglement):
        images = ceil(images_of(settings.dataset, config.data) / prod(settings.every or (1,)))
        networks = len(settings.latent) * len(settings.seeds) * len(settings.betas)
        seconds = START + 3 * networks * rates.SCORED * max(5000, settings.points[0])
        memory = held(settings.dataset, config.data) + 24 * images * max(settings.latent)
    if isinstance(settings, Discovery):
        images = images_of(settings.dataset, config.data)
        networks = len(settings.latent) * len(settings.seeds)
        seconds = START + networks * rates.DISCOVERED * max(5000, images)
        memory = held(settings.dataset, config.data)
    return Cost(seconds, memory=memory, disk=1e6)


def _data(rule: str, data: Data) -> Cost:
    """Cost of a job that makes images, without their download, or that shows results."""
    size = SETS["celeba"].size
    faces, photographs = size * data.faces, size * SETS["celeba"].images
    made = {
        "mnist": Cost(4, memory=400 * MB, disk=4e6),
        "dsprites": Cost(4, memory=200 * MB, disk=3.8e8),
        "cars3d": Cost(240, memory=1500 * MB, disk=2.2e8),
        "cifar": Cost(30, memory=1000 * MB, disk=1.9e8),
        "faces": Cost(1 + FACE * data.faces, memory=200 * MB + 2 * faces, disk=faces),
        "celeba": Cost(
            PHOTOGRAPH * SETS["celeba"].images,
            memory=400 * MB + 2 * photographs,
            disk=photographs,
            cores=2,
        ),
        "data_facts": Cost(8, memory=1200 * MB, disk=2e6),
        "all": Cost(0, disk=0),
    }
    return made.get(rule, Cost(rates.SHOWN, memory=300 * MB))
