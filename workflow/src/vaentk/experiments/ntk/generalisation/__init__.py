"""X6: images that were not trained on, by the number of those that were."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.ntk.settings import Inputs, Training, refuse_other_norms
from vaentk.experiments.settings import ActivationName, Count, Positive


class Learning(Training):
    """X6, one number of images: Eq. 2's network with f_0 = 0 on Eq. 7."""

    activation: ActivationName
    times: tuple[Positive, ...]


class Generalisation(Training):
    """X6: one run, for several numbers of images."""

    inputs: Inputs = Inputs(samples=4096, resolution=7)
    samples: Annotated[tuple[Count, ...], Field(min_length=2)] = Field(
        (64, 256, 1024, 4096),
        description="increasing numbers of images, each a class-balanced part of the next",
    )
    held_out: Count = Field(800, description="class-balanced number of test images, of every n")
    activation: ActivationName = "erf"
    horizon: Positive = Field(
        0.25,
        description="time over the number of images: every n is trained for the time that this "
        "means for the largest, and is observed at what it means for each",
    )
    # A network differs from its kernel by some hundredths, many times what this leaves.
    accuracy: float = Field(
        1e-2,
        ge=1e-6,
        le=0.1,
        description="error of a step of gradient flow, relative to each layer's displacement",
    )

    _unit_norm = model_validator(mode="after")(refuse_other_norms)

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        if list(self.samples) != sorted(self.samples):
            raise ValueError("samples must increase")
        if self.samples[-1] != self.inputs.samples:
            raise ValueError("inputs.samples must be the largest of samples")
        if self.inputs.components is not None:
            raise ValueError("inputs.components is not for this kind: it takes all pixels")
        if any(width % 2 for width in self.widths):
            raise ValueError("widths must be even: the antisymmetric network has pairs of units")
        return self

    @property
    def times(self) -> tuple[float, ...]:
        """Times at which every n is observed, in Eq. 7's units, one for each n."""
        return tuple(self.horizon * samples for samples in self.samples)

    def variants(self) -> dict[str, Learning]:
        """Return a case for every number of images."""
        plain = self.model_dump(mode="json")
        shared = {key: plain[key] for key in Learning.model_fields if key in plain}
        shared["times"] = self.times
        return {
            f"n{samples}": Learning.from_plain(
                shared | {"inputs": plain["inputs"] | {"samples": samples}}
            )
            for samples in self.samples
        }


EXPERIMENT = Experiment(
    settings=Generalisation,
    jobs="width_jobs",
    takes=("mnist",),
    trained={"records": "parquet", "outputs": "safetensors"},
    measured_from=("mnist", "records", "outputs"),
    measures=("members", "kernels", "summary", "slopes", "width_slopes"),
    figures={"generalisation": ("members", "kernels")},
    tables={
        "generalisation": ("summary",),
        "generalisation_kernels": ("kernels",),
        "generalisation_slopes": ("slopes",),
    },
)
