"""X5: Theorem 1 for a convolutional encoder, with channels in place of the width."""

from math import ceil
from typing import Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.settings import Inputs
from vaentk.experiments.settings import Count, Positive, Widths


class Convolutional(LinearRate):
    """X5: Eq. 7 on Eq. 2's network whose units are filters at the patches of an image."""

    inputs: Inputs = Inputs(samples=32, resolution=7)
    activation: Literal["erf", "tanh", "soft_clipping"] = "erf"
    widths: Widths = Field(description="numbers of channels, two or more")
    horizon: Positive = Field(0.25, description="time to train for, in units of n / lambda_0")
    filter_size: Count = Field(3, description="pixels a side of a filter, an odd number")
    stride: Count = Field(2, description="pixels from a patch to the next")

    @model_validator(mode="after")
    def _patches_of_pixels(self) -> Self:
        if self.inputs.components is not None:
            raise ValueError("inputs.components must be null: patches are cut from pixels")
        if self.filter_size % 2 == 0 or self.filter_size > self.inputs.resolution:
            raise ValueError("filter_size must be odd, and no larger than inputs.resolution")
        return self

    @property
    def positions(self) -> int:
        """Number P of patches: from a border of half a filter, which is blank, every stride."""
        return ceil(self.inputs.resolution / self.stride) ** 2


EXPERIMENT = Experiment(
    settings=Convolutional,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet", "outputs": "safetensors"},
    measured_from=("mnist", "records", "outputs"),
    measures=("curves", "kernels", "members", "summary", "slopes"),
    figures={"convolutional": ("curves", "members")},
    tables={
        "convolutional": ("summary",),
        "convolutional_slopes": ("slopes",),
        "convolutional_kernels": ("kernels",),
    },
)
