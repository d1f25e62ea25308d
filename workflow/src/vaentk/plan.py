"""What a run will cost, said before it starts."""

from typing import Final

from vaentk.config import Config
from vaentk.experiments.representations import Discovery, Disentanglement
from vaentk.models.conv_layers import operations

ON_CPU: Final = 90e9
"""Floating-point operations a second of training these networks: `make bench`, two CPU cores."""

ON_GPU: Final = 10e12
"""The same on a GPU, an assumption: a sixth of an H200's rate in float32."""

CHANNELS: Final = {"dsprites": 1, "cars3d": 3, "celeba": 3}
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
        f"operations: about {total / ON_GPU / HOUR:.3g} GPU hours at {ON_GPU / 1e12:.0f} TFLOP/s "
        f"(assumed), or {total / ON_CPU / HOUR:.3g} hours on two CPU cores at {ON_CPU / 1e9:.0f} "
        "GFLOP/s (measured). A stopped run goes on from its checkpoints."
    )
