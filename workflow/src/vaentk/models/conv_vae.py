"""Convolutional VAEs whose decoder mirrors the encoder, for an ensemble of members side by side.

Convolutions of stride 2 down to 4x4 positions, a dense layer, two heads; then the same backwards,
with transposed convolutions of 4x4 pixels. Members never meet: convolutions are grouped by member
and dense layers are batched products.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vaentk.models.convolutions import convolve, convolve_transposed
from vaentk.models.image_vae import Weights, dense, draw_weights
from vaentk.models.nonlinearities import RELU, Nonlinearities
from vaentk.models.precision import Precision, in_precision
from vaentk.models.vae_sizes import ConvSizes


@dataclass(frozen=True)
class ConvVAE(ConvSizes):
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
        members, batch = images.shape[:2]
        x = images.transpose(0, 1).flatten(1, 2)
        for place, side in enumerate(self.kernels):
            kernel, bias = layer(weights, f"enc_conv{place}")
            x = self.functions.hidden(convolve(x, kernel, bias, side // 2 - 1, members))
        x = x.reshape(batch, members, self.features).transpose(0, 1)
        x = self.functions.hidden(dense(weights, "enc_dense", x))
        mean, logvar = dense(weights, "mean", x), dense(weights, "logvar", x)
        return self.functions.mean(mean), self.functions.logvar(logvar)

    @in_precision
    def decode(
        self, weights: Weights, codes: Float[Tensor, "S b q"]
    ) -> Float[Tensor, "S b c side side"]:
        """Give the pixels' logits or means, see `ImageVae`."""
        members, batch = codes.shape[:2]
        x = self.functions.hidden(dense(weights, "dec_dense0", codes))
        x = self.functions.hidden(dense(weights, "dec_dense1", x))
        x = x.transpose(0, 1).reshape(batch, members * self.widths[-1], 4, 4)
        last = len(self.widths) - 1
        for place in range(last):
            kernel, bias = layer(weights, f"dec_conv{place}")
            x = self.functions.hidden(convolve_transposed(x, kernel, bias, members))
        x = convolve_transposed(x, *layer(weights, f"dec_conv{last}"), members)
        return x.reshape(batch, members, self.channels, self.side, self.side).transpose(0, 1)


def layer(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution, the members' one after another as groups."""
    return weights[name].flatten(0, 1), weights[f"{name}_bias"].flatten()
