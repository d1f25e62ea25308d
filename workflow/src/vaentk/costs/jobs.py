"""The cost of any job of the workflow, by its rule and its wildcards."""

from collections.abc import Iterator, Mapping
from math import ceil, prod
from typing import Any

from vaentk.config import Config, Data, experiments
from vaentk.costs import rates
from vaentk.costs.cost import Cost
from vaentk.costs.rates import LIBRARIES, MB
from vaentk.costs.trainings import gradients, held, images_of, training
from vaentk.data.sets import SETS
from vaentk.errors import UserError
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.experiments.convergence.importance_weights import ImportanceWeights
from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.experiments.convergence.lipschitz import Lipschitz
from vaentk.experiments.convergence.other_models import OtherModels
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.ntk.generalisation import Generalisation
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.tangent_kernels import TangentKernels

DAY, GB = 86_400, 2**30
LONGEST, LARGEST = 100, 4000
"""Days and GB of memory that a job may take; more is a slip of the hand in its settings."""

Job = tuple[str, Mapping[str, str]]
"""A rule, and the wildcards of one of its jobs."""


def cost_of(config: Config, job: Job) -> Cost:
    """Estimate what a job takes, on a machine with as many cores as it can use."""
    rule, wildcards = job
    stage, _, kind = rule.partition("_")
    if stage not in ("train", "measure"):
        return _data(rule, config.data)
    settings = getattr(config.experiments, kind)[wildcards["run"]]
    if stage == "measure":
        return _measure(settings, config)
    parts = experiments()[kind].parts(settings)
    [part] = [part for part in parts if str(part) == wildcards["part"]]
    return training(settings, part, config)


def refuse_endless(config: Config) -> None:
    """Refuse a configuration that has a job too long or too large for any machine.

    Raises
    ------
    UserError
        One sentence that names the run.
    """
    for kind, experiment in experiments().items():
        for run, settings in getattr(config.experiments, kind).items():
            jobs = [(f"train_{kind}", str(part)) for part in experiment.parts(settings)]
            for rule, part in (*jobs, (f"measure_{kind}", "")):
                cost = cost_of(config, (rule, {"run": run, "part": part}))
                seconds = min(cost.seconds, cost.on_gpu or cost.seconds)
                what = f"configuration: experiments.{kind}.{run}: a job ({rule} {part})".rstrip()
                if not seconds <= LONGEST * DAY:
                    raise UserError(
                        f"{what} would take some {seconds / DAY:.2g} days, and {LONGEST} are the "
                        "most: lower its widths, samples, steps, horizon or repetitions"
                    )
                if not cost.memory <= LARGEST * GB:
                    raise UserError(
                        f"{what} would need some {cost.memory / GB:.2g} GB of memory, and "
                        f"{LARGEST} are the most: lower its widths, samples or sizes"
                    )


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
        return gradients(settings, network.variants()["base"], config.data)
    seconds, memory = rates.MEASURED, LIBRARIES + 200.0 * MB
    if isinstance(settings, LinearRate) and not isinstance(settings, TangentKernels):
        inputs, members = settings.inputs, len(settings.seeds) * len(settings.variants())
        size = inputs.samples * inputs.outputs * sum(settings.widths)
        seconds += members * rates.PREDICTED * size
        memory += 800 * inputs.samples * max(settings.widths)
    if isinstance(settings, Generalisation):
        samples = settings.inputs.samples
        seconds += rates.DECOMPOSED * samples**3
        memory += 6 * 8.0 * samples**2
    if isinstance(settings, OtherModels):
        models = len(settings.families) + len(settings.radii)
        seconds += models * settings.steps * settings.runs * rates.EXACT
        weights = 2.0 * settings.dim * (settings.latent_dim + 1)
        memory += 40 * settings.directions * weights**2
        memory += 40 * settings.points * settings.length * settings.dim * settings.runs
    if isinstance(settings, ImportanceWeights):
        places = len(settings.seeds) * len(settings.widenings) * (2 + len(settings.alphas))
        codes = settings.repetitions * settings.batch * sum(settings.samples)
        seconds += places * codes * settings.latent_dim * rates.WEIGHTED
        memory += 100 * settings.batch * max(settings.samples) * settings.latent_dim
        memory += 100 * settings.data.samples * settings.data.dim
    if isinstance(settings, LinearVae):
        memory += 100 * settings.points * settings.data.dim * settings.latent_dim
    if isinstance(settings, Lipschitz):
        units = max(settings.dim, *settings.layers, settings.latent_dim) ** 2
        members, codes = len(settings.seeds), settings.codes * settings.points
        memory += 100 * members * (units + codes * settings.dim)
        seconds += members * settings.decades * codes * units * rates.WEIGHTED
    if isinstance(settings, Disentanglement | Discovery):
        images, seeds = images_of(settings.dataset, config.data), len(settings.seeds)
        memory = held(settings.dataset, config.data)
        if isinstance(settings, Discovery):
            each = len(settings.latent) * rates.DISCOVERED * min(settings.probed, images)
        else:
            betas, units = len(settings.betas), sum(settings.latent)
            codes = (2 + betas + betas * len(settings.kept)) * settings.points[0]
            trees = (2 + betas) * (settings.dci_trees or 0)
            sizes = SETS[settings.dataset].factors
            every = settings.every or (1,) * len(sizes)
            values = sum(ceil(size / step) for size, step in zip(sizes, every, strict=True))
            each = units * (rates.SCORED * codes + rates.BOOSTED * trees * values)
            memory += 24 * ceil(images / prod(settings.every or (1,))) * max(settings.latent)
        seconds = rates.START + seeds * each
    return Cost(seconds, memory=memory, disk=1e6)


def _data(rule: str, data: Data) -> Cost:
    """Cost of a job that makes images, without their download, or that shows results."""
    celeba = SETS["celeba"]
    faces, photographs = celeba.size * data.faces, celeba.size * celeba.images
    seconds = rates.PHOTOGRAPH * celeba.images
    made = {
        "mnist": Cost(4, memory=400 * MB, disk=4e6),
        "dsprites": Cost(4, memory=200 * MB, disk=3.8e8),
        "cars3d": Cost(240, memory=1500 * MB, disk=2.2e8),
        "cifar": Cost(30, memory=1000 * MB, disk=1.9e8),
        "faces": Cost(1 + rates.FACE * data.faces, memory=200 * MB + 2 * faces, disk=faces),
        "celeba": Cost(seconds, memory=400 * MB + 2 * photographs, disk=photographs, cores=2),
        "data_facts": Cost(5, memory=1800 * MB, disk=2e6),
    }
    return made.get(rule, Cost(rates.SHOWN, memory=300 * MB))
