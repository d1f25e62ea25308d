"""W4, Figure 2: how far weights move."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.settings import Training
from vaentk.experiments.settings import ActivationName, Count, NonNegative, Positive

LayerName = Literal["enc", "hid", "hid2", "hid3", "mu", "sigma", "dec"]


class WeightChange(Training):
    """W4, Figure 2: one run of the three-hidden-layer VAE on Eq. 4's objective."""

    widths_together: Count = Field(
        512, description="widths up to this share a training job, each wider one has its own"
    )
    activation: ActivationName = "tanh"
    depth: Annotated[int, Field(ge=2, le=5)] = Field(
        3, description="hidden layers, the latent one among them; the paper's three"
    )
    frozen: tuple[LayerName, ...] = Field((), description="layers that keep their initial weights")
    parametrisation: Literal["neural-tangent", "mean-field"] = Field(
        "neural-tangent",
        description="mean-field divides outputs by sqrt(m) again, and multiplies time by m",
    )
    prior: Literal["gaussian", "laplace", "mixture"] = Field(
        "gaussian", description="of the KL term, with the latent's mean and variance at the start"
    )
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

    @model_validator(mode="after")
    def _layers_exist(self) -> Self:
        missing = set(self.frozen) - set(self.layers)
        if missing:
            raise ValueError(f"frozen names {min(missing)}, which depth {self.depth} does not have")
        if set(self.frozen) == set(self.layers):
            raise ValueError("frozen names every layer: one at least must be trained")
        return self

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, input to output."""
        return ("enc", *("hid", "hid2", "hid3")[: self.depth - 2], "mu", "sigma", "dec")

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
