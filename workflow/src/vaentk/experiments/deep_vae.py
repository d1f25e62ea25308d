"""Surendran et al. 2024: deep Gaussian VAEs, whose gradients are measured (S2 to S5)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.settings import ActivationName, Count, Positive, Strict

SIDES = {"celeba": (64, 32), "cifar": (32,)}
"""Pixels a side that images of a data set can have."""

LAST_SIDE = 4
"""Pixels a side of the last convolution's output; every convolution halves the image."""


class DeepNetwork(Strict):
    """The deep Gaussian VAE and its images; what S2 to S4 train and S5 takes apart."""

    dataset: Literal["celeba", "cifar"] = Field(
        "celeba", description="CelebA uncropped, as the authors have it, or CIFAR"
    )
    side: Literal[64, 32] = Field(
        64, description="pixels a side; faces of 64x64 are mean-pooled to 32x32 where it is 32"
    )
    widths: Annotated[tuple[Count, ...], Field(min_length=1)] | None = Field(
        None, description="channels after each convolution; the authors' for that side if null"
    )
    hidden: Count | None = Field(
        None, description="units of the dense layer; the authors' for that side if null"
    )
    latent: Count = Field(100, description="latent size")
    activation: ActivationName = Field("relu", description="after every hidden layer")
    sharpness: Positive = Field(
        1.0, description="s of soft-clipping with the authors' bounds, where that is the activation"
    )
    likelihood: Literal["bernoulli", "gaussian"] = Field(
        "bernoulli", description="the authors' loss, or the theorem's fixed-variance Gaussian"
    )
    deviation: Positive = Field(
        0.1, description="the Gaussian's c, in units of a pixel's range from 0 to 1"
    )
    images: Count | None = Field(
        None, description="training images used, the first ones; all of the training part if null"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.side not in SIDES[self.dataset]:
            raise ValueError(f"side is {self.side}, but images of {self.dataset} have 32 pixels")
        if (self.widths is None) != (self.hidden is None):
            raise ValueError("takes both widths and hidden, or neither")
        if self.widths is not None and LAST_SIDE << len(self.widths) != self.side:
            raise ValueError(
                f"widths has {len(self.widths)} convolutions, which halve {self.side} pixels to "
                f"{self.side / 2 ** len(self.widths):g} and not to {LAST_SIDE}"
            )
        return self
