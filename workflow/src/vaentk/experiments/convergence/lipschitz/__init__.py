"""Whether the gradient is locally Lipschitz: ReLU against soft-clipping (X13).

Surendran et al. 2024 ask for activations that are Lipschitz and smooth, and leave ReLU open.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import Positive, Seed, Seeds, Small, Strict


class Lipschitz(Strict):
    """Small fully connected VAEs whose encoder's first units are all at their kink for a point."""

    sharpness: Annotated[tuple[Positive, ...], Field(min_length=3)] = Field(
        (1.0, 2.0, 5.0, 10.0), description="s of soft-clipping, rising"
    )
    points: Small = Field(1, description="data points")
    dim: Small = Field(16, description="dimensions of the data, a square number")
    latent_dim: Small = Field(4, description="latent dimensions")
    layers: Annotated[tuple[Small, ...], Field(min_length=1)] = Field(
        (16, 16), description="units of the encoder's hidden layers"
    )
    codes: Small = Field(8, description="codes of a point, the same at all parameters")
    deviation: Positive = Field(0.5, description="c of the Gaussian decoder")
    data_seed: Seed = Field(0, description="of the drawn data")
    seeds: Seeds = Field(tuple(range(16)), description="of weights, direction, codes")
    largest: Positive = Field(1e-2, description="largest distance t of two parameters")
    decades: int = Field(5, ge=1, le=10, description="factors of ten that t falls by")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("sharpness", "seeds")
        if list(self.sharpness) != sorted(self.sharpness):
            raise ValueError(f"sharpness is {list(self.sharpness)}: name it in rising order")
        if round(self.dim**0.5) ** 2 != self.dim:
            raise ValueError(f"dim is {self.dim}, which is no square number")
        return self

    @property
    def label(self) -> str:
        """Say as figures do what the data is."""
        return f"drawn data, d = {self.dim}, N = {self.points}"


EXPERIMENT = Experiment(
    settings=Lipschitz,
    measured_from=(),
    measures=("ratios", "powers", "plateaus"),
    figures={"lipschitz": ("ratios", "powers")},
    tables={"lipschitz": ("powers", "plateaus")},
)
