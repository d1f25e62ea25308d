"""The rate of Surendran et al. 2024 for other decoders (X11) and for sequential VAEs (X12).

The papers ask for them. The models are so small that the objective and its gradient are known
exactly at every iterate.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import Many, Positive, Seed, Several, Small, Strict

FamilyName = Literal["bernoulli", "laplace", "poisson", "poisson-clipped"]
Radius = Annotated[float, Field(ge=0, le=1)]
Norms = Annotated[tuple[Positive, ...], Field(min_length=2)]

SEQUENTIAL = "sequential"
"""What the sequential models' names begin with."""


class OtherModels(Strict):
    """Small VAEs, each on a data set that its own decoder draws, trained by SGD."""

    families: tuple[FamilyName, ...] = Field(
        ("bernoulli", "laplace", "poisson", "poisson-clipped"),
        description="distributions of the data given the code; the Poisson's rate is an "
        "exponential, of an argument that is clipped or not",
    )
    radii: tuple[Radius, ...] = Field(
        (0.5, 0.9, 1.0), description="transitions of the sequential VAE's state, rising"
    )
    dim: Small = Field(4, description="dimensions of a data point, or of one time of a sequence")
    latent_dim: Small = Field(2, description="latent dimensions of the decoders' models")
    length: Small = Field(8, description="times of a sequence")
    points: Many = Field(100, description="data points, or sequences")
    data_seed: Seed = Field(0, description="of the drawn data sets")
    runs: Several = Field(16, description="independent runs, seeds 0 and up, side by side")
    steps: int = Field(4000, ge=100, le=10**9, description="iterations")
    scale: Positive = Field(0.05, description="C of the step sizes C n^(-1/2)")
    batch: Small = Field(4, description="data points of an iteration")
    codes: Small = Field(4, description="draws of the noise for each")
    initial: Positive = Field(0.2, description="deviation of the initial parameters")
    norms: Norms = Field((1.0, 2.0, 4.0), description="of parameters at which curvature is taken")
    directions: int = Field(24, ge=4, le=1000, description="random directions of these parameters")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("families", "radii", "norms")
        for name in ("radii", "norms"):
            values = getattr(self, name)
            if list(values) != sorted(values):
                raise ValueError(f"{name} is {list(values)}: name them in rising order")
        if not self.families and not self.radii:
            raise ValueError("families and radii are both empty: name a model")
        return self

    @property
    def label(self) -> str:
        """Say as figures do what the data is."""
        return f"drawn by each model itself, N = {self.points}"


EXPERIMENT = Experiment(
    settings=OtherModels,
    measured_from=(),
    measures=("curves", "slopes", "curvatures", "growth"),
    figures={"other_models": ("curves", "slopes"), "other_models_curvature": ("curvatures",)},
    tables={"other_models": ("slopes",), "other_models_curvature": ("growth",)},
)
