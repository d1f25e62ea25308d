"""X3: the least width at which the kernel's prediction holds."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.settings import Count, Deviations, Positive


class LeastWidth(LinearRate):
    """X3: Theorem 1's run for several numbers of samples and several sigma0."""

    samples: Annotated[tuple[Count, ...], Field(min_length=2)] = (16, 32, 64)
    deviations: Deviations = Field((0.25, 0.5, 1.0), description="values of sigma0")
    tolerance: Positive = Field(0.1, description="distance to the kernel's prediction that holds")

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        if max(self.samples) > self.inputs.samples:
            raise ValueError("inputs.samples must be the largest of samples")
        if self.inputs.components is not None:
            raise ValueError("inputs.components is not for this kind: it takes all pixels")
        return self

    def variants(self) -> dict[str, LinearRate]:
        """Return a run for every number of samples and every sigma0."""
        inputs = self.inputs.model_dump(mode="json")
        return {
            f"n{samples}-sigma{sigma0:g}": self._plain(
                inputs=inputs | {"samples": samples}, sigma0=sigma0
            )
            for samples in self.samples
            for sigma0 in self.deviations
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
