"""What training costs, by settings: steps, operations of a step, and memory of what is trained.

How many gradients a width takes depends on eigenvalues of kernels; here they are what was measured
on MNIST: right within a factor of two or so.
"""

from itertools import product
from math import ceil, log10, prod, sqrt
from typing import Any

from vaentk.config import Config, Data
from vaentk.costs import rates
from vaentk.costs.cards import ANY, Load
from vaentk.costs.cost import Cost
from vaentk.costs.rates import LIBRARIES, MB, PRODUCTS
from vaentk.data.sets import SETS
from vaentk.experiments.convergence.deep_vae import DeepNetwork, DeepTraining, DeepVAE
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.ntk.generalisation import Generalisation, Learning
from vaentk.experiments.ntk.kl_ridge import KlCase, KlRidge
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.ridge import PenalisedMean, Ridge
from vaentk.experiments.ntk.sampled_noise import SampledNoise
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.models.vae_sizes import ConvSizes, DenseSizes, VaeSizes, deep_sizes
from vaentk.training import footprints
from vaentk.training.schedule import eq7_learning_rate

SHORT = 90.0
"""Seconds on one core up to which a job takes one: it begins as soon as one is free."""

NARROW = 4096
"""Widths up to this train their members one after another on one core, beside other jobs: waiting
until several cores are free leaves some of them idle."""


def training(settings: Any, part: Any, config: Config) -> Cost:
    """Estimate one training job of a run: a width, a latent size, an optimiser or a variant."""
    if isinstance(settings, SampledNoise):
        return _sampled(settings, part, config.dtype)
    if isinstance(settings, LinearRate | Ridge | KlRidge | WeightChange | Generalisation):
        return _widths(settings, part, config.dtype)
    if isinstance(settings, Disentanglement | Discovery):
        return _minibatch(settings, part, config.data)
    if isinstance(settings, DeepVAE):
        return _deep(settings.of_part(part), config.data)
    if isinstance(settings, LinearVae):
        return _linear(settings)
    return Cost(rates.UNKNOWN, Load(rates.UNKNOWN / ANY.launched, 0.0), 2 * LIBRARIES, 20 * MB)


def images_of(dataset: str, data: Data) -> int:
    """How many images a data set has, as far as is known before they are there."""
    name = dataset.removesuffix("_whole")
    return data.faces if name == "celeba" and data.celeba == "stand-in" else SETS[name].images


def held(dataset: str, data: Data) -> float:
    """Bytes of a process with torch and a data set, which is mapped and then copied."""
    return LIBRARIES + 2 * images_of(dataset, data) * SETS[dataset.removesuffix("_whole")].size


def gradients(settings: GradientNoise, trained: DeepTraining, data: Data) -> Cost:
    """Estimate the gradients of one grid of B and K."""
    model, members = _sizes(trained.network), len(trained.seeds)
    kinds = len(settings.states) * len(settings.estimators) * len(settings.images)
    each, passes = 0.0, 0
    for batch, samples in product(settings.batches, settings.samples):
        repetitions = kinds * settings.repetitions
        parts = ceil(samples / (settings.codes_at_once or samples))
        each += repetitions * batch * model.operations(samples)
        passes += parts * ceil(repetitions / settings.side_by_side)
    codes = settings.codes_at_once or max(settings.samples)
    repetition = footprints.noise_repetition(model, max(settings.batches), codes)
    memory = held(trained.dataset, data) + settings.side_by_side * members * repetition
    network = trained.network
    weights = sum(map(prod, model.shapes().values()))
    traffic = passes * members * weights * rates.WEIGHT_BYTES
    traffic += members * each / model.operations() * sum(model.outputs()) * _output(network)
    load = Load(passes, members * each, precision=network.precision, traffic=traffic)
    rate = _rate(network)
    return _cost(passes, members * each, rates.PASS, rate, memory=memory, disk=1e6, load=load)


def _cost(
    steps: float,
    each: float,
    pace: float,
    rate: float,
    *,
    memory: float,
    disk: float,
    members: int = 1,
    cores: int = 1,
    apart: bool = False,
    load: Load | None = None,
) -> Cost:
    """Cost of steps that take ``pace`` seconds and, in all, ``each`` operations a member.

    A CPU's cores, but for short jobs, share the members, each at ``rate`` operations a second; a
    GPU has all at once. ``memory`` is that of a process, and of all members where they have one.
    """
    member = steps * pace + each / rate
    if members * member < SHORT:
        cores = 1
    seconds = rates.START + ceil(members / cores) * member
    return Cost(seconds, load, cores * memory if apart else memory, disk, cores)


def _widths(
    settings: LinearRate | Ridge | KlRidge | WeightChange | Generalisation,
    widths: WidthJob,
    dtype: str,
) -> Cost:
    """All members of some widths of a theory's network, in all cases of a run."""
    members, cases = len(settings.seeds), settings.variants().values()
    cores = members if max(widths) > NARROW else 1
    n, d = settings.inputs.samples, settings.inputs.outputs
    deep, kernels = isinstance(settings, WeightChange), isinstance(settings, TangentKernels)
    count = each = 0.0
    for width in widths:
        trained = [_gradients(case, width) for case in cases]
        if getattr(settings, "common_time", False):
            longest = max(gradients for gradients, _ in trained)
            trained = [(longest, operations) for _, operations in trained]
        count += sum(gradients for gradients, _ in trained)
        each += sum(gradients * operations for gradients, operations in trained)
        if isinstance(settings, TangentKernels):
            looks = 1 + (rates.KERNELS if settings.horizon else 0)
            each += looks * rates.EIGENVALUES * n * d * width
    kept = 0 if kernels or deep else rates.MOMENTS
    matrices = sum(3.0 * width**2 if deep else 3.0 * width * d for width in widths) / len(widths)
    load = Load(
        count,
        members * each,
        recorded=deep and settings.activation == "tanh",
        traffic=members * count * matrices * rates.MATRIX_BYTES,
    )
    footprint = footprints.figure2_member if deep else footprints.eq2_member
    sizes = {(case.inputs.samples, case.inputs.outputs) for case in cases}
    units = max(widths) * getattr(settings, "positions", 1)
    member = max(footprint(*s, units, dtype, kept) for s in sizes)
    return _cost(
        count,
        each,
        rates.STEP,
        PRODUCTS if dtype == "float32" else PRODUCTS / 2,
        memory=LIBRARIES + (2.5 if kernels else 1) * member,
        apart=True,
        disk=5e4 + 4 * members * len(cases) * len(widths) * kept * n * d,
        members=members,
        cores=cores,
        load=load,
    )


def _sampled(settings: SampledNoise, widths: WidthJob, dtype: str) -> Cost:
    """All members of some widths, by exact gradients and by every sign and rate of the noise."""
    inputs, members = settings.inputs, len(settings.seeds)
    n, d = inputs.samples, inputs.outputs
    of_64, power = rates.SLOWEST[inputs.resolution]
    steps = settings.steps(settings.horizon * of_64 * (n / 64) ** power)
    drawn = 2 * steps * (2 ** len(settings.learning_rates) - 1)
    each = sum(n * width * (14 * d + 2 * rates.LATENT) + 30 * width * d for width in widths)
    return _cost(
        len(widths) * (steps + drawn),
        (steps + drawn) * each,
        rates.DRAWN,
        PRODUCTS if dtype == "float32" else PRODUCTS / 2,
        memory=LIBRARIES + footprints.eq2_member(n, d, max(widths), dtype, 0),
        disk=2e5,
        members=members,
        load=Load(len(widths) * (steps + drawn), members * (steps + drawn) * each),
    )


def _gradients(case: Any, width: int) -> tuple[float, float]:
    """Gradients of one member, by its time of gradient flow and fastest rate; operations of one."""
    inputs = case.inputs
    n, d, m, spread = inputs.samples, inputs.outputs, width, sqrt(inputs.outputs / width)
    # What a narrow network's fastest rate gains by its spread is fitted to measured ones.
    if isinstance(case, WeightChange):
        operations = 2 * m * (9 * n * m + 2 * n * min(n, 2 * d) + 3 * n * d + 10 * m)
        if case.stepping == "literal":
            return case.steps, operations
        time = case.steps * eq7_learning_rate(case.learning_rate, d, case.reduction)
        fastest = 2 * ((1 + 2.5 * spread) / 5 + 3.5 * case.beta / case.sigma0**2)
        return _of_flow(time * fastest), operations
    steepest = rates.CENTRED if inputs.components else rates.STEEPEST[inputs.resolution]
    if isinstance(case, PenalisedMean):
        stiffness = case.horizon * (1 + 2 * (1 + 1.8 * spread) / steepest / case.beta)
        return _of_flow(stiffness), n * m * (10 * d + rates.LATENT)
    if isinstance(case, KlCase):
        by_kl = rates.STRETCHED * case.beta / case.sigma0**2
        stiffness = (
            case.horizon
            * (by_kl + 2 * (1 + 1.8 * spread) / steepest)
            / (rates.FLATTENED * case.beta / case.sigma0**2)
        )
        return _of_flow(stiffness), n * m * (10 * d + rates.LATENT)
    if isinstance(case, Learning):
        stiffness = 2 * max(case.times) * (1 + 1.6 * spread) / steepest
        return _of_flow(stiffness), n * m * (14 * d + rates.LATENT)
    of_64, power = rates.SLOWEST[inputs.resolution]
    slower = rates.SLOWER.get(case.activation, 1.0) * (case.sigma0 / 0.5) ** 1.3
    time = case.horizon * slower * of_64 * (n / 64) ** power
    latent = rates.LATENT * (rates.QUADRATURE if case.activation in rates.SLOWER else 1)
    units = m * getattr(case, "positions", 1)  # of a convolutional encoder, a channel at a patch
    return _of_flow(2 * time * (1 + 1.6 * spread) / steepest), n * units * (14 * d + latent)


def _of_flow(stiffness: float) -> float:
    """Gradients of a flow whose fastest mode would shrink by e to that number."""
    return rates.FEWEST + rates.STIFF * sqrt(stiffness)


def _minibatch(settings: Disentanglement | Discovery, latent: int, data: Data) -> Cost:
    """All members of one latent size of Figure 3 or 4, and the codes of images."""
    channels = SETS[settings.dataset].channels
    model: VaeSizes = ConvSizes.of_side(channels, latent, settings.side)
    encoded = images_of(settings.dataset, data)
    members, rate, pace = len(settings.seeds), rates.CONVOLUTIONS, 0.0
    if isinstance(settings, Disentanglement):
        members *= len(settings.betas)
        encoded = (2 + len(settings.kept)) * ceil(encoded / prod(settings.every or (1,)))
        if settings.model == "dense":
            model = DenseSizes(channels, settings.side, latent, settings.hidden)
            rate, pace = PRODUCTS, rates.UPDATE
    updates = settings.steps + encoded * rates.ENCODED / settings.batch
    codes = 8.0 * members * encoded * latent
    member = footprints.vae_member(model, settings.batch)
    weights = sum(map(prod, model.shapes().values()))
    each = updates * settings.batch * model.operations()
    outputs = settings.batch * sum(model.outputs()) * _output(settings)
    traffic = members * updates * (outputs + weights * rates.FEW_WEIGHT_BYTES)
    return _cost(
        settings.steps,
        each,
        pace,
        rate,
        memory=held(settings.dataset, data) + 2 * codes + members * member,
        disk=codes + 4.0 * members * weights,
        members=members,
        cores=members,
        load=Load(settings.steps, members * each, True, settings.precision, traffic),
    )


def _deep(settings: DeepTraining, data: Data) -> Cost:
    """All seeds of one variant of a deep VAE, and what is measured along the way."""
    network, members, batch = settings.network, len(settings.seeds), settings.batch
    model = _sizes(network)
    images = network.images or data.training_images(settings.dataset) or SETS["celeba"].training
    steps = settings.epochs * max(1, images // batch)
    looks = 2 + ceil(settings.per_decade * log10(max(steps, 10)))
    scored = 2 * (settings.scored or images)
    update, common = (model.operations(k) for k in (settings.codes, settings.common_codes))
    looked = looks * scored * (update + common) / 3
    weights = sum(map(prod, model.shapes().values()))
    parted = settings.codes_at_once is not None and settings.codes_at_once < settings.codes
    again = 4 / 3 if parted else 1.0  # parts of the codes are decoded for their weights first
    encoder, decoder = model.outputs()
    outputs = batch * (encoder + again * settings.codes * decoder) * _output(network)
    traffic = members * steps * (outputs + weights * rates.WEIGHT_BYTES)
    traffic += members * looked / update * sum(model.outputs()) * _output(network)
    operations = members * (again * steps * batch * update + looked)
    passes = looks * ceil(2 * scored / batch)
    return _cost(
        2 * steps + passes,
        steps * batch * update + looked,
        rates.UPDATE if network.model == "dense" else rates.PASS,
        _rate(network),
        memory=held(settings.dataset, data)
        + members * footprints.deep_member(model, batch, settings.codes_at_once or settings.codes),
        disk=8.0 * members * weights,
        members=members,
        # Steps of a millisecond would wait for each other in one process.
        cores=1 if network.model == "dense" else members,
        load=Load(steps, operations, True, network.precision, traffic),
    )


def _linear(settings: LinearVae) -> Cost:
    """All trainings of S1 by one optimiser."""
    variants = settings.variants()
    codes = sum(len(settings.seeds(v.role)) * v.steps * v.batch * v.samples for v in variants)
    most = max(len(settings.seeds(v.role)) * v.batch * v.samples for v in variants)
    return _cost(
        sum(variant.steps for variant in variants),
        codes * rates.CODE * settings.data.dim * settings.latent_dim,
        rates.ITERATION,
        PRODUCTS,
        memory=LIBRARIES + 200 * most * settings.data.dim * settings.latent_dim,
        disk=20 * MB,
    )


def _output(network: DeepNetwork | Disentanglement | Discovery) -> float:
    """Bytes that an output of a layer takes on a GPU."""
    return rates.OUTPUT_BYTES[network.precision]


def _sizes(network: DeepNetwork) -> VaeSizes:
    if network.model == "dense":
        return DenseSizes(3, network.side, network.latent, network.layers)
    return deep_sizes(3, network.latent, *network.sizes)


def _rate(network: DeepNetwork) -> float:
    """Operations a second on one core."""
    if network.model == "dense":
        return PRODUCTS
    return min(PRODUCTS, rates.DEEP * max(1.0, network.sizes[0][-1] / rates.CHANNELS))
