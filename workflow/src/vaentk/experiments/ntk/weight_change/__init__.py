"""W4, Figure 2: how far weights move."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.settings import Training
from vaentk.experiments.settings import ActivationName, Count, NonNegative, Positive


class WeightChange(Training):
    """W4, Figure 2: one run of the three-hidden-layer VAE on Eq. 4's objective."""

    widths_together: Count = Field(
        512, description="widths up to this share a training job, each wider one has its own"
    )
    activation: ActivationName = "tanh"
    beta: NonNegative = Field(0.01, description="weight of Eq. 4's KL term, in Eq. 7's units")
    noise: Literal["expected", "sampled", "none"] = Field(
        "expected", description="exact expectation, one sample a step, or a deterministic network"
    )
    steps: Count = Field(2**17, description="the paper's number of updates")
    learning_rate: Positive = Field(1.0, description="the paper's, for the loss below")
    reduction: Literal["mean", "sum"] = Field(
        "mean", description="mean over samples and outputs, or Eq. 7's sum over outputs"
    )
    stepping: Literal["flow", "literal"] = Field(
        "flow", description="gradient flow for the same time, or gradient descent as printed"
    )
    accuracy: Annotated[float, Field(ge=1e-6, le=0.1)] = Field(
        2e-3, description="error of a step of gradient flow, relative to each layer's displacement"
    )

    @model_validator(mode="after")
    def _noise_fits(self) -> Self:
        if self.noise == "none" and self.beta > 0:
            raise ValueError(
                "beta must be 0 where noise is none: without noise there is no KL term"
            )
        if self.noise == "sampled" and self.stepping == "flow":
            raise ValueError("stepping must be literal where noise is sampled: one sample a step")
        return self

    def variants(self) -> dict[str, "WeightChange"]:
        """Return what is trained, by name: here the run itself."""
        return {"base": self}


EXPERIMENT = Experiment(
    settings=WeightChange,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet"},
    measured_from=("records",),
    measures=("changes", "slopes", "local_slopes", "stability"),
    figures={
        "weight_change": ("changes", "slopes"),
        "weight_change_slopes": ("local_slopes", "slopes"),
    },
    tables={"weight_change_slopes": ("slopes",), "weight_change_stability": ("stability",)},
)
