"""The cost of any job of the workflow, by its rule and its wildcards."""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any, Final

from vaentk.config import Config
from vaentk.costs import networks, theory
from vaentk.costs.work import LIBRARIES, MB, START, Cost
from vaentk.data.sets import SETS
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.disentanglement import Disentanglement

NARROW: Final = 4096
"""Widths up to this train their members one after another on one core."""

WIDTHS: Final = {
    "train_tangent_kernels": "tangent_kernels",
    "train_ridge": "ridge",
    "train_linear_rate": None,
    "train_weight_change": None,
}
"""Rules whose jobs are a width of a run, and the run's kind; by a wildcard where None."""

DATA: Final = {
    "mnist": Cost(4, memory=400 * MB, disk=4e6),
    "inputs": Cost(2, memory=150 * MB, disk=4e5),
    "dsprites": Cost(4, memory=200 * MB, disk=3.8e8),
    "cars3d": Cost(240, memory=1500 * MB, disk=2.2e8),
    "cifar": Cost(30, memory=1000 * MB, disk=1.9e8),
    "data_facts": Cost(8, memory=1200 * MB, disk=2e6),
}
"""Costs without downloads, measured; of the archives of Cars3D and CIFAR assumed."""

FACE, PHOTOGRAPH = 1.2e-3, 3e-3
"""Seconds of drawing a face, measured, and of reading a photograph of CelebA, assumed."""

MEASURED: Final = {
    "measure_limit_kernels": 6.0,
    "measure_tangent_kernels": 6.0,
    "measure_variants": 9.0,
    "measure_ridge": 7.0,
    "measure_linear_vae": 10.0,
    "measure_activations": 7.0,
    "measure_frozen_sigma": 6.0,
    "measure_least_width": 6.0,
    "measure_deep_vae": 3.0,
}
"""Seconds of measuring one run."""

DRAWN: Final = {"figure": 4.0, "tables": 2.0, "measure": 3.0, "claims": 3.0, "report": 5.0}
"""Seconds of all other jobs, by what their rule's name begins with."""

PREDICTED: Final = 1e-7
"""Seconds of predicting one member's training by its own kernel, over ``n d m``."""

SCORED, DISCOVERED = 1.0, 2.5
"""Seconds of scoring 5,000 codes of one network, and of searching 5,000 faces for attributes."""

POINTS: Final = 5000


def cores_of(config: Config, rule: str, wildcards: Mapping[str, str], gpu: bool) -> int:
    """Cores of a job: a member of an ensemble has one; on a GPU one core feeds them all.

    Networks up to `NARROW` units wide train their members one after another on one core, beside
    other jobs: waiting until several cores are free leaves some of them idle.
    """
    settings = _run(config, rule, wildcards)
    if gpu or not rule.startswith("train_") or rule == "train_linear_vae":
        return 2 if rule == "celeba" else 1
    if rule in WIDTHS:
        return 1 if int(wildcards["width"]) <= NARROW else len(settings.seeds)
    jobs = hasattr(settings, "sweeps")  # several betas are several jobs there
    return len(settings.seeds) * (1 if jobs else len(getattr(settings, "betas", [settings])))


def cost_of(
    config: Config, rule: str, wildcards: Mapping[str, str], cores: int | None = None
) -> Cost:
    """Estimate what a job takes.

    Parameters
    ----------
    config : Config
    rule : str
        Its name.
    wildcards : mapping
    cores : int, optional
        That a machine gives it, where these are fewer than it would use.
    """
    settings = _run(config, rule, wildcards)
    used = min(cores or 1 << 20, cores_of(config, rule, wildcards, gpu=False))
    if rule in WIDTHS:
        cases = settings.variants() if hasattr(settings, "variants") else {"base": settings}
        cases = {"base": settings} if rule == "train_tangent_kernels" else cases
        return theory.training(settings, cases, int(wildcards["width"]), used, config.dtype)
    if isinstance(settings, Disentanglement | Discovery) and rule.startswith("train_"):
        return networks.convolutional(settings, int(wildcards["latent"]), config.data, used)
    if rule == "train_deep_vae":
        return networks.deep(settings.variants()[wildcards["variant"]], config, used)
    if rule == "train_linear_vae":
        return networks.linear(settings)
    if rule == "measure_gradient_noise":
        return networks.gradients(
            settings, config.experiments.deep_vae[settings.network].variants()["base"], config
        )
    return _without_gpu(config, rule, settings)


def resources(
    config: Config, rule: str, wildcards: Mapping[str, str], gpu: bool, attempt: int = 1
) -> dict[str, int]:
    """``gpu``, ``mem_mb`` and ``runtime`` (minutes) that a job asks for, see `Cost.resources`."""
    return cost_of(config, rule, wildcards).resources(gpu, attempt)


def trainings(config: Config) -> Iterator[tuple[str, dict[str, str]]]:
    """Every job of a configuration that computes for long: its rule and its wildcards."""
    named = {"linear_rate": "train_linear_rate", "weight_change": "train_weight_change"}
    named |= dict.fromkeys(("activations", "frozen_sigma", "least_width"), "train_linear_rate")
    named |= {"sensitivity": "train_weight_change"}
    for kind, runs in config.experiments:
        for run, settings in runs.items():
            known, rule = {"kind": kind, "run": run}, named.get(kind, f"train_{kind}")
            if kind == "gradient_noise":
                yield "measure_gradient_noise", known
            for key, wildcard in (("widths", "width"), ("latent", "latent")):
                for size in getattr(settings, key, ()):
                    yield rule, known | {wildcard: str(size)}
            if kind == "linear_vae":
                for optimiser in settings.optimisers:
                    yield rule, known | {"optimiser": optimiser}
            if kind == "deep_vae":
                for variant in settings.variants():
                    yield rule, known | {"variant": variant}


def _run(config: Config, rule: str, wildcards: Mapping[str, str]) -> Any:
    """The settings of the run that a job belongs to, or None."""
    kind = wildcards.get("kind") or rule.partition("_")[2]
    if rule == "measure_variants" or "run" not in wildcards:
        kind = wildcards.get("kind", "")
    return getattr(config.experiments, kind, {}).get(wildcards.get("run", ""))


def _without_gpu(config: Config, rule: str, settings: Any) -> Cost:
    """Cost of a job that makes data, measures or shows."""
    if rule in DATA:
        return DATA[rule]
    if rule == "faces":
        count = config.data.faces
        return Cost(1 + FACE * count, memory=200 * MB + 2.0 * 12288 * count, disk=12288.0 * count)
    if rule == "celeba":
        count = SETS["celeba"].images
        size = 12288.0 * count
        return Cost(PHOTOGRAPH * count, memory=400 * MB + 2 * size, disk=size, cores=2)
    if rule == "measure_linear_rate":
        inputs, members = settings.inputs, len(settings.seeds)
        size = inputs.samples * inputs.outputs * sum(settings.widths)
        most = 100.0 * inputs.samples * max(settings.widths) * 8
        return Cost(START + members * PREDICTED * size, memory=LIBRARIES + most, disk=2e5)
    if rule == "measure_disentanglement":
        images = networks.images_of(settings.dataset, config.data)
        for step in settings.every or ():
            images = ceil(images / step)
        count = 3 * len(settings.latent) * len(settings.seeds) * len(settings.betas)
        codes = 24.0 * images * max(settings.latent)
        held = LIBRARIES + networks.bytes_of(settings.dataset, config.data) + codes
        return Cost(START + count * SCORED * max(1, settings.points[0] / POINTS), memory=held)
    if rule == "measure_discovery":
        images = networks.images_of("celeba", config.data)
        count = len(settings.latent) * len(settings.seeds)
        held = LIBRARIES + 2 * networks.bytes_of("celeba", config.data)
        return Cost(START + count * DISCOVERED * max(1, images / POINTS), memory=held, disk=1e6)
    if rule in MEASURED:
        return Cost(MEASURED[rule], memory=LIBRARIES + 200 * MB)
    seconds = next((s for name, s in DRAWN.items() if rule.startswith(name)), 1.0)
    return Cost(seconds if rule != "all" else 0.0)
