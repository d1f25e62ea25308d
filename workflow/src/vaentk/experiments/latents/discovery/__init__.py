"""W6, Figure 4: what a large latent space finds."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import Count, NonNegative, Positive, Seeds, Strict, Widths


class Discovery(Strict):
    """W6, Figure 4: which attributes of faces single units carry, at several latent sizes."""

    dataset: Literal["celeba"] = "celeba"
    model: Literal["conv"] = Field("conv", description="disentanglement_lib's architecture")
    latent: Widths = Field(
        (10, 256), description="latent sizes, one job each; the least and the largest are compared"
    )
    seeds: Seeds = Field((0, 1, 2), description="trained side by side")
    beta: NonNegative = Field(4.0, description="weight of the KL term")
    steps: Count = Field(300_000, description="updates")
    batch: Count = Field(64, description="images an update")
    learning_rate: Positive = Field(1e-4, description="of Adam")
    threshold: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.65, description="ROC area that a unit's interval must exceed to carry an attribute"
    )
    probed: Count = Field(20_000, description="training images that the linear probe learns from")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("latent", "seeds")
        return self


EXPERIMENT = Experiment(
    settings=Discovery,
    jobs="latent",
    dtype="float32",
    takes=("images",),
    trained={"records": "parquet", "codes": "safetensors"},
    measured_from=("images", "codes"),
    measures=("attributes", "compared", "counts", "summary"),
    arrays=("pictures",),
    figures={
        "discovery": ("attributes", "counts"),
        "discovery_found": ("pictures",),
        "discovery_units": ("pictures",),
        "discovery_gallery": ("pictures",),
    },
    tables={"discovery": ("attributes", "compared"), "discovery_summary": ("summary",)},
)
