"""Train Figure 3's VAE by pythae's own trainer, and answer with its steps a second (windows.py).

Run by the Python of the peers' environment (envs/bench-peers.lock), not by .venv. pythae trains
whole epochs, and says when all is done: an epoch is as long as we like, and what a short one takes
is subtracted, which is the setting up, the copy of the best model and its saving.
"""

import tempfile
import time

from plain_vae import BATCH, BETA, LATENT, LEARNING_RATE, Decoder, Encoder, binary_images
from pythae.data.datasets import BaseDataset, DatasetOutput
from pythae.models import BetaVAE, BetaVAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor, zeros
from windows import WINDOW, serve

FEW = 4  # steps of the short epoch
FIRST = 32  # steps of the first window


class Repeated(BaseDataset):
    """Images over and over: an epoch of any length, which no real one begins within."""

    def __init__(self, images: Tensor, length: int) -> None:
        super().__init__(images, zeros(len(images)))
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> DatasetOutput:
        return super().__getitem__(index % len(self.data))


class PythaeEncoder(BaseEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.plain = Encoder()

    def forward(self, x: Tensor) -> ModelOutput:
        mean, logvar = self.plain(x)
        return ModelOutput(embedding=mean, log_covariance=logvar)


class PythaeDecoder(BaseDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.plain = Decoder()

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.plain(z).sigmoid())


class Peer:
    def __init__(self, folder: str) -> None:
        self.images, self.folder = binary_images(), folder
        config = BetaVAEConfig(
            input_dim=(1, 64, 64), latent_dim=LATENT, reconstruction_loss="bce", beta=BETA
        )
        self.model = BetaVAE(config, PythaeEncoder(), PythaeDecoder())
        self.seconds(FEW)  # the first is slower
        self.steps = FIRST

    def seconds(self, steps: int) -> float:
        """Seconds to train for so many steps, setting up and saving included."""
        config = BaseTrainerConfig(
            output_dir=self.folder,
            per_device_train_batch_size=BATCH,
            num_epochs=1,
            learning_rate=LEARNING_RATE,
        )
        images = Repeated(self.images, steps * BATCH)
        start = time.perf_counter()
        BaseTrainer(self.model, images, training_config=config).train()
        return time.perf_counter() - start

    def rate(self) -> float:
        """Steps a second in a window, which is lengthened until it is long enough."""
        while True:
            short = self.seconds(FEW)
            spent = self.seconds(FEW + self.steps) - short
            if spent >= 0.8 * WINDOW:
                return self.steps / spent
            self.steps = round(self.steps * min(16, 1.2 * WINDOW / max(spent, 0.1)))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        serve(Peer(folder).rate)
