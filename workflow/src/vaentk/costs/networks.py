"""What training VAEs of images and linear VAEs costs, by settings: W5, W6 and S1 to S5."""

from itertools import product
from math import ceil, log10, prod
from typing import Final

from vaentk.config import Config, Data
from vaentk.costs.work import (
    CONVOLUTIONS,
    LAUNCH,
    LIBRARIES,
    MB,
    ON_GPU,
    PRODUCTS,
    START,
    START_ON_GPU,
    Cost,
)
from vaentk.data.sets import SETS
from vaentk.experiments.convergence.deep_vae import DeepNetwork, DeepTraining
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.models.conv_layers import operations, shapes
from vaentk.models.deep_gaussian_vae import DeepGaussianVAE, deep_gaussian_vae
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.training.footprints import conv_member, deep_member, noise_repetition

TRAINED_ON: Final = 0.8
"""Part of the faces that are trained on; of a partial CelebA the most that there can be."""

CIFAR_TRAINING: Final = 50_000

DEEP, CHANNELS_OF_DEEP = 19e9, 128
"""Floating-point operations a second of a deep VAE's gradient on one core, of networks with up to
so many channels; with more in proportion, up to that of matrix products. Measured."""

PASS: Final = 0.013
"""Seconds of one such gradient that do not grow with the batch, measured."""

ENCODED: Final = 1 / 6
"""Part of an update's operations that encoding an image takes."""

ITERATION, RUN = 4e-4, 2.5e-7
"""Seconds of an iteration of linear VAEs, and of each of its codes; measured."""

LAUNCHED, REPLAYED = 150, 20
"""Kernels of a step that a GPU waits for, without and with a graph."""


def images_of(dataset: str, data: Data) -> int:
    """How many images a data set has, as far as is known before they are there."""
    name = dataset.removesuffix("_whole")
    return data.faces if name == "celeba" and data.celeba == "stand-in" else SETS[name].images


def bytes_of(dataset: str, data: Data) -> float:
    """Bytes of a data set's images in memory and on the disk."""
    return images_of(dataset, data) * SETS[dataset.removesuffix("_whole")].size


def convolutional(
    settings: Disentanglement | Discovery, latent: int, data: Data, cores: int
) -> Cost:
    """Cost of training all members of one latent size of Figure 3 or 4, and of encoding images."""
    channels, images = SETS[settings.dataset].channels, images_of(settings.dataset, data)
    betas = len(settings.betas) if isinstance(settings, Disentanglement) else 1
    members = len(settings.seeds) * betas
    update = operations(channels, latent, settings.batch)
    encoded = images
    if isinstance(settings, Disentanglement):
        encoded = 2 * ceil(images / prod(settings.every or (1,)))
    each = settings.steps * update + encoded * ENCODED * update / settings.batch
    codes = 8.0 * members * encoded * latent
    held = LIBRARIES + 2 * bytes_of(settings.dataset, data) + 2 * codes
    weights = 4.0 * members * sum(map(prod, shapes(channels, latent).values()))
    return Cost(
        START + ceil(members / cores) * each / CONVOLUTIONS,
        START_ON_GPU + settings.steps * REPLAYED * LAUNCH + members * each / ON_GPU,
        held + cores * conv_member(channels, latent, settings.batch),
        codes + weights,
        cores,
    )


def deep(settings: DeepTraining, config: Config, cores: int) -> Cost:
    """Cost of training all seeds of one variant of a deep VAE, and of measuring them."""
    network, members = settings.network, len(settings.seeds)
    model, images = sizes_of(network), training_images(network, config)
    epoch = max(1, images // settings.batch)
    steps = settings.epochs * epoch
    looks = 2 + ceil(settings.per_decade * log10(max(steps, 10)))
    measured = 2 * (settings.measured or images)
    scored = 2 * (settings.scored or images)
    update, common = (model.operations(k) for k in (settings.codes, settings.common_codes))
    each = float(steps * settings.batch * update)
    each += looks * (measured * update + scored * (update + common) / 3)
    passes = steps + looks * ceil((measured + 2 * scored) / settings.batch)
    weights = 4.0 * members * sum(map(prod, model.shapes().values()))
    dataset = settings.dataset
    return Cost(
        START + ceil(members / cores) * (passes * PASS + each / _rate(model)),
        START_ON_GPU + passes * LAUNCHED * LAUNCH + members * each / ON_GPU,
        LIBRARIES
        + 2 * bytes_of(dataset, config.data)
        + cores * deep_member(model, settings.batch, settings.codes_at_once or settings.codes),
        2 * weights,
        cores,
    )


def gradients(settings: GradientNoise, trained: DeepTraining, config: Config) -> Cost:
    """Cost of the gradients of one grid of B and K."""
    model, members = sizes_of(trained.network), len(trained.seeds)
    kinds = len(settings.states) * len(settings.estimators) * len(settings.images)
    each, passes = 0.0, 0
    for batch, samples in product(settings.batches, settings.samples):
        repetitions = kinds * settings.repetitions_of(batch, samples)
        each += repetitions * batch * model.operations(samples)
        parts = ceil(samples / (settings.codes_at_once or samples))
        passes += parts * ceil(repetitions / settings.side_by_side)
    batch, codes = max(settings.batches), settings.codes_at_once or max(settings.samples)
    held = settings.side_by_side * members * noise_repetition(model, batch, codes)
    return Cost(
        START + passes * PASS + members * each / _rate(model),
        START_ON_GPU + passes * LAUNCHED * LAUNCH + members * each / ON_GPU,
        LIBRARIES + 2 * bytes_of(trained.dataset, config.data) + held,
        1e6,
    )


def linear(settings: LinearVae) -> Cost:
    """Cost of all trainings of S1 by one optimiser."""
    steps, codes = 0, 0
    for variant in settings.variants():
        steps += variant.steps
        codes += variant.steps * variant.batch * variant.samples * settings.runs
    size = settings.data.dim * settings.latent_dim / 10
    return Cost(
        START + steps * ITERATION + codes * RUN * size,
        START_ON_GPU + steps * LAUNCHED * LAUNCH,
        LIBRARIES,
        20 * MB,
    )


def sizes_of(network: DeepNetwork) -> DeepGaussianVAE:
    """The network's sizes; its functions cost little beside its products."""
    functions = Nonlinearities.named("relu")
    if network.widths is None or network.hidden is None:
        return deep_gaussian_vae(network.side, functions, 3, network.latent)
    return DeepGaussianVAE(3, network.latent, network.widths, network.hidden, functions)


def training_images(network: DeepNetwork, config: Config) -> int:
    """How many images a run trains on, as far as is known before they are there."""
    if network.images is not None:
        return network.images
    if network.dataset == "cifar":
        return CIFAR_TRAINING
    return round(TRAINED_ON * images_of("celeba", config.data))


def _rate(model: DeepGaussianVAE) -> float:
    return min(PRODUCTS, DEEP * max(1.0, model.widths[-1] / CHANNELS_OF_DEEP))
