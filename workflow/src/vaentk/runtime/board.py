"""What TensorBoard shows of an ensemble of VAEs while it trains."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from vaentk.data.image_set import ImageSet
from vaentk.models import latent_traversals as traversals
from vaentk.models.conv_vae import ConvVAE
from vaentk.training.minibatch import Member, Recipe, State

LOOKS: Final = 10  # times in a run that pictures are shown
IMAGES: Final = 64  # evenly spaced over the set, for the KL of each unit
SHOWN: Final = 8  # of these, with their reconstructions


class Board:
    """Losses as they are recorded; now and then KL of each unit, reconstructions, traversals.

    Parameters
    ----------
    folder : Path
        Of the event files.
    model, images, members, recipe
        What is trained.
    state : State
        Where it starts, or goes on.
    """

    def __init__(
        self,
        folder: Path,
        model: ConvVAE,
        images: ImageSet,
        members: Sequence[Member],
        recipe: Recipe,
        state: State,
    ) -> None:
        self.writer = SummaryWriter(str(folder), purge_step=state.step)
        self.model, self.images = model, images
        self.names = [f"seed-{member.seed}-beta-{member.beta:g}" for member in members]
        self.every = max(1, recipe.steps // LOOKS)
        self.written = len(state.records)
        self.looked = state.step // self.every

    def show(self, state: State) -> None:
        """Write what is new in a state."""
        for record in state.records[self.written :]:
            member = f"seed-{record['seed']}-beta-{record['beta']:g}"
            for name in ("loss", "reconstruction", "kl"):
                self.writer.add_scalar(f"{name}/{member}", record[name], int(record["step"]))
        self.written = len(state.records)
        if state.step // self.every > self.looked:
            self.looked = state.step // self.every
            self._look(state)

    def close(self) -> None:
        """Write what is still held back."""
        self.writer.close()

    def _look(self, state: State) -> None:
        numbers = np.linspace(0, len(self.images) - 1, min(IMAGES, len(self.images))).astype(int)
        mean, logvar = traversals.encode(self.model, state.weights(), self.images, numbers)
        units = traversals.kl_of_units(mean, logvar).mean(1)
        paths = traversals.strips(self.model, state.weights(), mean, logvar, 0)
        seen = traversals.reconstructions(
            self.model, state.weights(), self.images, numbers[:: -(-len(numbers) // SHOWN)]
        )
        for place, name in enumerate(self.names):
            self.writer.add_histogram(f"kl_of_units/{name}", units[place], state.step - 1)
            self.writer.add_image(f"reconstructions/{name}", mosaic(seen[place]), state.step - 1)
            self.writer.add_image(f"traversals/{name}", mosaic(paths[place]), state.step - 1)


def mosaic(pictures: Tensor) -> Tensor:
    """Lay pictures out as one: uint8 (rows, columns, c, h, w) to (c, rows h, columns w)."""
    rows, columns, channels, height, width = pictures.shape
    ordered = pictures.permute(2, 0, 3, 1, 4)
    return ordered.reshape(channels, rows * height, columns * width).cpu()
