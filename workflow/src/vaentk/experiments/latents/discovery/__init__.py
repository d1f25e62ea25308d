"""W6, Figure 4: what a large latent space finds."""

from typing import Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.latents.scale import FULL_STEPS, said_of
from vaentk.experiments.settings import (
    Count,
    NonNegative,
    Positive,
    PrecisionName,
    Seeds,
    Strict,
    Widths,
)


class Discovery(Strict):
    """W6, Figure 4: which attributes of faces single units carry, at several latent sizes."""

    dataset: Literal["celeba"] = "celeba"
    model: Literal["conv"] = Field("conv", description="disentanglement_lib's architecture")
    side: Literal[32, 64] = Field(
        64,
        description="pixels a side; at 32 blocks of four are averaged, and a convolution is less",
    )
    latent: Widths = Field(
        (10, 256), description="latent sizes, one job each; the least and the largest are compared"
    )
    seeds: Seeds = Field((0, 1, 2, 3, 4), description="trained side by side")
    beta: NonNegative = Field(4.0, description="weight of the KL term")
    steps: Count = Field(FULL_STEPS, description="updates")
    batch: Count = Field(64, description="images an update")
    learning_rate: Positive = Field(1e-4, description="of Adam")
    precision: PrecisionName = "float32"
    probed: Count = Field(20_000, description="training images that the linear probe learns from")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("latent", "seeds")
        return self

    @property
    def reduced(self) -> str:
        """Say what is less than in the paper; empty where nothing is."""
        return said_of(self.side, self.steps)


EXPERIMENT = Experiment(
    settings=Discovery,
    jobs="latent",
    dtype="float32",
    takes=("images",),
    trained={"records": "parquet", "codes": "safetensors"},
    measured_from=("images", "codes"),
    measures=("attributes", "compared", "groups", "summary"),
    arrays=("pictures",),
    figures={
        "discovery": ("compared", "groups"),
        "discovery_found": ("pictures",),
        "discovery_gallery": ("pictures",),
    },
    tables={
        "discovery": ("compared",),
        "discovery_groups": ("groups",),
        "discovery_summary": ("summary",),
    },
)
