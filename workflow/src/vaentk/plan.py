"""What a run will cost, said before it starts."""

from itertools import product
from typing import Final

from vaentk.config import Config
from vaentk.experiments.deep_vae import DeepNetwork
from vaentk.experiments.representations import Discovery, Disentanglement
from vaentk.models.conv_layers import operations
from vaentk.models.deep_gaussian_vae import DeepGaussianVAE, deep_gaussian_vae
from vaentk.models.nonlinearities import Nonlinearities

ON_CPU: Final = 90e9
"""Floating-point operations a second of training these networks: `make bench`, two CPU cores."""

ON_GPU: Final = 10e12
"""The same on a GPU, an assumption: a sixth of an H200's rate in float32."""

CHANNELS: Final = {"dsprites": 1, "cars3d": 3, "celeba": 3}
CELEBA_IMAGES: Final = 162_770
CIFAR_IMAGES: Final = 50_000
DRAWN_PART: Final = 0.8
"""Images for training: of a partial CelebA the most that there can be, of drawn faces a part."""

HOUR: Final = 3600


def training_of_vaes(config: Config) -> str | None:
    """Say in a sentence how long Figures 3 and 4 will train; None if there is nothing to train."""
    updates, total = 0, 0
    asked = config.experiments
    runs: list[Disentanglement | Discovery] = [*asked.disentanglement.values()]
    runs += asked.discovery.values()
    for run in runs:
        betas = len(run.betas) if isinstance(run, Disentanglement) else 1
        members = len(run.seeds) * betas
        updates += members * run.steps * len(run.latent)
        for latent in run.latent:
            each = operations(CHANNELS[run.dataset], latent, run.batch)
            total += members * run.steps * each
    if not updates:
        return None
    return (
        f"Figures 3 and 4 train {updates:,} updates of 64x64 images, {total:.1e} floating-point "
        f"operations: {_hours(total)}. A stopped run goes on from its checkpoints."
    )


def training_of_deep_vaes(config: Config) -> str | None:
    """Say in a sentence how long S2 to S4 will train; None if there is nothing to train."""
    updates, total = 0, 0
    for run in config.experiments.deep_vae.values():
        images = _training_images(run.network, config)
        for variant in run.variants().values():
            steps = len(run.seeds) * run.epochs * (images // run.batch)
            updates += steps
            total += steps * run.batch * _sizes_of(run.network).operations(variant.codes)
    if not updates:
        return None
    return (
        f"S2 to S4 train {updates:,} updates of deep VAEs, {total:.1e} floating-point operations "
        f"without those of measuring: {_hours(total)}. A stopped run goes on from its checkpoints."
    )


def gradients_of_deep_vaes(config: Config) -> str | None:
    """Say in a sentence how long S5 will draw gradients; None if there are none to draw."""
    count, total = 0, 0
    for run in config.experiments.gradient_noise.values():
        trained = config.experiments.deep_vae[run.network]
        kinds = len(run.states) * len(run.estimators) * len(run.images) * len(trained.seeds)
        for batch, samples in product(run.batches, run.samples):
            repetitions = kinds * run.repetitions_of(batch, samples)
            count += repetitions
            total += repetitions * batch * _sizes_of(trained.network).operations(samples)
    if not count:
        return None
    return (
        f"S5 draws {count:,} gradients of deep VAEs, {total:.1e} floating-point operations: "
        f"{_hours(total)}. A stopped run goes on from its checkpoint."
    )


def _hours(total: float) -> str:
    """Say how long floating-point operations take."""
    return (
        f"about {total / ON_GPU / HOUR:.3g} GPU hours at {ON_GPU / 1e12:.0f} TFLOP/s (assumed), "
        f"or {total / ON_CPU / HOUR:.3g} hours on two CPU cores at {ON_CPU / 1e9:.0f} GFLOP/s "
        "(measured)"
    )


def _sizes_of(network: DeepNetwork) -> DeepGaussianVAE:
    """The network's sizes; its functions cost little beside its products."""
    functions = Nonlinearities.named("relu")
    if network.widths is None or network.hidden is None:
        return deep_gaussian_vae(network.side, functions, 3, network.latent)
    return DeepGaussianVAE(3, network.latent, network.widths, network.hidden, functions)


def _training_images(network: DeepNetwork, config: Config) -> int:
    """How many images a run trains on, as far as is known before they are there."""
    if network.images is not None:
        return network.images
    if network.dataset == "cifar":
        return CIFAR_IMAGES
    if config.data.celeba == "stand-in":
        return round(DRAWN_PART * config.data.faces)
    return CELEBA_IMAGES
