"""What the settings of Wang & Huang 2024's experiments share: inputs, widths, seeds."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.settings import Count, Positive, Seed, Seeds, Strict, Widths


class Inputs(Strict):
    """The images one run is trained on."""

    samples: Count = Field(128, description="class-balanced number n of images")
    resolution: Literal[28, 14, 7] = Field(28, description="pixels a side, by mean pooling")
    components: Count | None = Field(
        None,
        description="leading principal components kept, scaled to unit norm; all pixels if null",
    )
    scaling: Literal["unit-norm", "raw", "standardised"] = Field(
        "unit-norm", description="unit-norm rows are what the theory assumes"
    )
    data_seed: Seed = Field(0, description="seed of the choice of images")

    @model_validator(mode="after")
    def _fewer_components(self) -> Self:
        if self.components is not None and self.components > self.resolution**2:
            raise ValueError(
                f"components is {self.components}, but there are {self.resolution**2} pixels"
            )
        return self

    @property
    def outputs(self) -> int:
        """Number d of inputs and outputs."""
        return self.components or self.resolution**2


def refuse_other_norms(settings: Any) -> Any:
    """Refuse inputs for which the limit kernels do not hold; a validator of a section."""
    if settings.inputs.scaling != "unit-norm":
        raise ValueError("inputs.scaling must be unit-norm: the limit kernels assume it")
    return settings


class WidthJob(tuple[int, ...]):
    """Widths that one training job trains, one after another."""

    def __str__(self) -> str:
        """Name the job."""
        return "-".join(map(str, self))


class Training(Strict):
    """What every run of full-batch training is made of."""

    inputs: Inputs = Inputs()
    widths: Widths = Field(description="two or more")
    widths_together: Count = Field(
        2048, description="widths up to this share a training job, each wider one has its own"
    )
    seeds: Seeds = Field((0, 1), description="members, trained side by side")
    sigma0: Positive = Field(0.5, description="initial W_sigma")
    accuracy: Annotated[float, Field(ge=1e-6, le=0.1)] = Field(
        5e-4, description="error of a step of gradient flow, relative to each layer's displacement"
    )
    slope_widths: Annotated[int, Field(ge=2)] = Field(
        3, description="how many of the largest widths a slope is fitted to"
    )

    @property
    def width_jobs(self) -> tuple[WidthJob, ...]:
        """Widths by training job."""
        together = WidthJob(width for width in self.widths if width <= self.widths_together)
        alone = [WidthJob([width]) for width in self.widths if width > self.widths_together]
        return (*filter(None, [together]), *alone)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        self.distinct("widths", "seeds", "betas", "samples", "deviations", "activations")
        return self
