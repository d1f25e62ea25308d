"""What training costs, by settings: steps, operations of a step, and memory of what is trained.

How many steps a width takes depends on eigenvalues of kernels; here they are what was measured on
MNIST: right within a factor of two or so.
"""

from itertools import product
from math import ceil, log10, prod, sqrt
from typing import Any

from vaentk.config import Config, Data
from vaentk.costs import rates
from vaentk.costs.cost import Cost
from vaentk.costs.rates import LIBRARIES, LIMIT, LOOKS, MB, PRODUCTS, START
from vaentk.data.sets import SETS
from vaentk.experiments.convergence.deep_vae import DeepTraining, DeepVAE
from vaentk.experiments.convergence.deep_vae.networks import model_of
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.ridge import PenalisedMean, Ridge
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.models.conv_vae import ConvVAE
from vaentk.training.footprints import (
    conv_member,
    deep_member,
    eq2_member,
    figure2_member,
    noise_repetition,
)
from vaentk.training.schedule import eq7_learning_rate

NARROW = 4096
"""Widths up to this train their members one after another on one core, beside other jobs: waiting
until several cores are free leaves some of them idle."""


def training(settings: Any, part: Any, config: Config, cores: int) -> Cost:
    """Estimate one training job of a run: a width, a latent size, an optimiser or a variant."""
    if isinstance(settings, LinearRate | Ridge | WeightChange):
        return _width(settings, part, config.dtype, cores)
    if isinstance(settings, Disentanglement | Discovery):
        return _convolutional(settings, part, config.data, cores)
    if isinstance(settings, DeepVAE):
        return _deep(settings.of_part(part), config, cores)
    if isinstance(settings, LinearVae):
        return _linear(settings)
    return Cost(rates.UNKNOWN, rates.UNKNOWN, 2 * LIBRARIES, 20 * MB)


def images_of(dataset: str, data: Data) -> int:
    """How many images a data set has, as far as is known before they are there."""
    name = dataset.removesuffix("_whole")
    return data.faces if name == "celeba" and data.celeba == "stand-in" else SETS[name].images


def held(dataset: str, data: Data) -> float:
    """Bytes of a process with torch and a data set, which is mapped and then copied."""
    size = SETS[dataset.removesuffix("_whole")].size
    return LIBRARIES + 2 * images_of(dataset, data) * size


def gradients(settings: GradientNoise, trained: DeepTraining, config: Config) -> Cost:
    """Estimate the gradients of one grid of B and K."""
    model, members = model_of(trained.network), len(trained.seeds)
    kinds = len(settings.states) * len(settings.estimators) * len(settings.images)
    each, passes = 0.0, 0
    for batch, samples in product(settings.batches, settings.samples):
        repetitions = kinds * settings.repetitions_of(batch, samples)
        each += repetitions * batch * model.operations(samples)
        parts = ceil(samples / (settings.codes_at_once or samples))
        passes += parts * ceil(repetitions / settings.side_by_side)
    batch, codes = max(settings.batches), settings.codes_at_once or max(settings.samples)
    memory = settings.side_by_side * members * noise_repetition(model, batch, codes)
    return Cost(
        START + passes * rates.PASS + members * each / _rate(model),
        _on_gpu(passes, rates.LAUNCHED, members * each),
        held(trained.dataset, config.data) + memory,
        1e6,
    )


def _on_gpu(steps: float, kernels: int, worked: float) -> float:
    """Seconds on a GPU of steps of so many kernels, and of the operations of all members."""
    return rates.START_ON_GPU + steps * kernels * rates.LAUNCH + worked / rates.ON_GPU


def _width(settings: LinearRate | Ridge | WeightChange, width: int, dtype: str, cores: int) -> Cost:
    """All members of one width of a theory's network, in all cases of its run."""
    members, cases = len(settings.seeds), settings.variants().values()
    cores = min(members, cores) if width > NARROW else 1
    inputs, kernels = settings.inputs, isinstance(settings, TangentKernels)
    kept = 0 if kernels or isinstance(settings, WeightChange) else LOOKS
    descents = [_descent(case, width) for case in cases]
    longest = max(updates for updates, _ in descents)
    steps, each = 0.0, 0.0
    for updates, update in descents:
        counted = LOOKS + LIMIT + (longest if getattr(settings, "common_time", False) else updates)
        steps += counted
        each += counted * update
    if isinstance(settings, TangentKernels):
        looks = 1 + (rates.KERNELS if settings.horizon else 0)
        each += looks * rates.EIGENVALUES * inputs.samples * inputs.outputs * width
    of_network = figure2_member if isinstance(settings, WeightChange) else eq2_member
    sizes = {(case.inputs.samples, case.inputs.outputs) for case in cases}
    member = (2.5 if kernels else 1) * max(of_network(*s, width, dtype, kept) for s in sizes)
    graph = isinstance(settings, WeightChange) and settings.activation == "tanh"
    rate = PRODUCTS if dtype == "float32" else PRODUCTS / 2
    return Cost(
        START + ceil(members / cores) * (steps * rates.STEP + each / rate),
        _on_gpu(steps, rates.REPLAYED if graph else rates.LAUNCHED, members * each),
        cores * (LIBRARIES + member),
        5e4 + 4 * members * len(cases) * kept * inputs.samples * inputs.outputs,
        cores,
    )


def _descent(case: Any, width: int) -> tuple[float, float]:
    """Updates of one member, by its time of gradient flow and stability limit; one's operations."""
    inputs = case.inputs
    n, d, m, spread = inputs.samples, inputs.outputs, width, sqrt(inputs.outputs / width)
    # What a narrow network's limit loses by its spread is fitted to measured ones.
    if isinstance(case, WeightChange):
        time = case.steps * eq7_learning_rate(case.learning_rate, d, case.reduction)
        limit = 1 / ((1 + 2.5 * spread) / 5 + 3.5 * case.beta / case.sigma0**2)
        updates = case.steps if case.stepping == "literal" else time / case.step_fraction / limit
        return updates, 2 * m * (9 * n * m + 2 * n * min(n, 2 * d) + 3 * n * d + 10 * m)
    wide = rates.CENTRED if inputs.components else rates.STEEPEST[inputs.resolution]
    if isinstance(case, PenalisedMean):
        limit = 2 / (case.beta + 2 * (1 + 1.8 * spread) / wide)
        updates = case.horizon / case.beta / case.step_fraction / limit
        return updates, n * m * (10 * d + rates.LATENT)
    of_64, power = rates.SLOWEST[inputs.resolution]
    slower = rates.SLOWER.get(case.activation, 1.0) * (case.sigma0 / 0.5) ** 1.3
    time = case.horizon * slower * of_64 * (n / 64) ** power
    updates = time / case.step_fraction * (1 + 1.6 * spread) / wide
    return updates, n * m * (14 * d + rates.LATENT)


def _convolutional(
    settings: Disentanglement | Discovery, latent: int, data: Data, cores: int
) -> Cost:
    """All members of one latent size of Figure 3 or 4, and the codes of images."""
    model = ConvVAE(SETS[settings.dataset].channels, latent)
    encoded = images_of(settings.dataset, data)
    members = len(settings.seeds)
    if isinstance(settings, Disentanglement):
        members *= len(settings.betas)
        encoded = 2 * ceil(encoded / prod(settings.every or (1,)))
    cores = min(members, cores)
    each = model.operations() * (settings.steps * settings.batch + encoded * rates.ENCODED)
    codes = 8.0 * members * encoded * latent
    member = conv_member(model, settings.batch)
    return Cost(
        START + ceil(members / cores) * each / rates.CONVOLUTIONS,
        _on_gpu(settings.steps, rates.REPLAYED, members * each),
        held(settings.dataset, data) + 2 * codes + cores * member,
        codes + 4.0 * members * sum(map(prod, model.shapes().values())),
        cores,
    )


def _deep(settings: DeepTraining, config: Config, cores: int) -> Cost:
    """All seeds of one variant of a deep VAE, and what is measured along the way."""
    network, members, batch = settings.network, len(settings.seeds), settings.batch
    model, images = model_of(network), network.images
    if images is None:
        faces = round(rates.TRAINED_ON * images_of("celeba", config.data))
        images = rates.CIFAR_TRAINING if network.dataset == "cifar" else faces
    cores = min(members, cores)
    steps = settings.epochs * max(1, images // batch)
    looks = 2 + ceil(settings.per_decade * log10(max(steps, 10)))
    measured, scored = 2 * (settings.measured or images), 2 * (settings.scored or images)
    update, common = (model.operations(k) for k in (settings.codes, settings.common_codes))
    each = float(steps * batch * update)
    each += looks * (measured * update + scored * (update + common) / 3)
    passes = steps + looks * ceil((measured + 2 * scored) / batch)
    member = deep_member(model, batch, settings.codes_at_once or settings.codes)
    return Cost(
        START + ceil(members / cores) * (passes * rates.PASS + each / _rate(model)),
        _on_gpu(passes, rates.LAUNCHED, members * each),
        held(settings.dataset, config.data) + cores * member,
        8.0 * members * sum(map(prod, model.shapes().values())),
        cores,
    )


def _linear(settings: LinearVae) -> Cost:
    """All trainings of S1 by one optimiser."""
    variants = settings.variants()
    steps = sum(variant.steps for variant in variants)
    codes = settings.runs * sum(v.steps * v.batch * v.samples for v in variants)
    each = codes * rates.CODES * settings.data.dim * settings.latent_dim
    return Cost(
        START + steps * rates.ITERATION + each / PRODUCTS,
        _on_gpu(steps, rates.LAUNCHED, each),
        LIBRARIES,
        20 * MB,
    )


def _rate(model: ConvVAE) -> float:
    """Operations a second on one core."""
    return min(PRODUCTS, rates.DEEP * max(1.0, model.widths[-1] / rates.CHANNELS))
