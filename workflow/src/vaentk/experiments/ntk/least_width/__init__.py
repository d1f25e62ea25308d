"""X3: the least width at which the kernel's prediction holds."""

from itertools import product
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.settings import Inputs
from vaentk.experiments.settings import Count, Deviations, Positive


class LeastWidth(LinearRate):
    """X3: Theorem 1's run for several numbers of samples, resolutions and sigma0."""

    inputs: Inputs = Inputs(samples=64, resolution=7)
    samples: Annotated[tuple[Count, ...], Field(min_length=2)] = (16, 32, 64)
    resolutions: Annotated[tuple[Literal[28, 14, 7], ...], Field(min_length=1)] = Field(
        (7,), description="pixels a side; d is their square"
    )
    deviations: Deviations = Field((0.25, 0.5, 1.0), description="values of sigma0")
    tolerance: Positive = Field(0.1, description="distance to the kernel's prediction that holds")

    @model_validator(mode="after")
    def _inputs_hold_all_cases(self) -> Self:
        if max(self.samples) != self.inputs.samples:
            raise ValueError("inputs.samples must be the largest of samples")
        if max(self.resolutions) != self.inputs.resolution:
            raise ValueError("inputs.resolution must be the largest of resolutions")
        self.distinct("resolutions")
        if self.inputs.components is not None:
            raise ValueError("inputs.components is not for this kind: it takes all pixels")
        return self

    def variants(self) -> dict[str, LinearRate]:
        """Return a run for every number of samples, resolution and sigma0."""
        inputs = self.inputs.model_dump(mode="json")
        return {
            # repr, which no two numbers share
            f"n{samples}-d{resolution**2}-sigma{sigma0!r}": self._plain(
                inputs=inputs | {"samples": samples, "resolution": resolution}, sigma0=sigma0
            )
            for samples, resolution, sigma0 in product(
                self.samples, self.resolutions, self.deviations
            )
        }


EXPERIMENT = Experiment(
    settings=LeastWidth,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet", "outputs": "safetensors"},
    measured_from=("mnist", "records", "outputs"),
    measures=("curves", "members", "summary", "least_width", "slopes"),
    figures={"least_width": ("members", "least_width", "slopes")},
    tables={"least_width": ("least_width",), "least_width_slopes": ("slopes",)},
)
