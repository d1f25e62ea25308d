"""Fully connected VAEs of small images, for an ensemble of members side by side."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vaentk.models.image_vae import Weights, dense, draw_weights
from vaentk.models.nonlinearities import RELU, Nonlinearities
from vaentk.models.precision import Precision, in_precision
from vaentk.models.vae_sizes import DenseSizes


@dataclass(frozen=True)
class DenseVAE(DenseSizes):
    """The architecture; weights are kept apart, members first."""

    functions: Nonlinearities = RELU
    glorot: bool = True
    """Whether weights start Glorot-uniform and biases at zero, or all as torch's layers do."""
    precision: Precision = "float32"

    def initial_weights(self, seeds: tuple[int, ...]) -> Weights:
        """Draw every weight, see `draw_weights`."""
        return draw_weights(self, seeds, self.glorot)

    @in_precision
    def encode(
        self, weights: Weights, images: Float[Tensor, "S b c side side"]
    ) -> tuple[Float[Tensor, "S b q"], Float[Tensor, "S b q"]]:
        """Give the posterior's mean and log-variance, see `ImageVae`."""
        x = images.flatten(2)
        for place in range(len(self.hidden)):
            x = self.functions.hidden(dense(weights, f"enc_dense{place}", x))
        mean, logvar = dense(weights, "mean", x), dense(weights, "logvar", x)
        return self.functions.mean(mean), self.functions.logvar(logvar)

    @in_precision
    def decode(
        self, weights: Weights, codes: Float[Tensor, "S b q"]
    ) -> Float[Tensor, "S b c side side"]:
        """Give the pixels' logits or means, see `ImageVae`."""
        last = len(self.hidden)
        for place in range(last):
            codes = self.functions.hidden(dense(weights, f"dec_dense{place}", codes))
        outputs = dense(weights, f"dec_dense{last}", codes)
        return outputs.view(*outputs.shape[:2], self.channels, self.side, self.side)
