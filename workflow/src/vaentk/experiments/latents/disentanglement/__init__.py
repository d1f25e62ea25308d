"""W5, Figure 3: disentanglement against latent size."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.data.sets import SETS
from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import Count, NonNegative, Positive, Seeds, Strict, Widths


class Disentanglement(Strict):
    """W5, Figure 3: one data set, several latent sizes, seeds and weights of the KL term."""

    dataset: Literal[
        "dsprites",
        "cars3d",
    ]
    model: Literal["conv"] = Field("conv", description="disentanglement_lib's architecture")
    latent: Widths = Field((10, 20, 50, 100, 200), description="latent sizes, one job each")
    seeds: Seeds = Field((0, 1, 2, 3, 4), description="trained side by side")
    betas: Annotated[tuple[NonNegative, ...], Field(min_length=1)] = Field(
        (4.0,), description="weights of the KL term, trained side by side"
    )
    steps: Count = Field(300_000, description="updates")
    batch: Count = Field(64, description="images an update")
    learning_rate: Positive = Field(1e-4, description="of Adam")
    every: tuple[Count, ...] | None = Field(
        None, description="scores use every so-manieth value of each factor; all of them if null"
    )
    points: tuple[Count, Count] = Field(
        (10_000, 5_000), description="points that scores learn from and are tested on"
    )
    dci_points: tuple[Count, Count] = Field(
        (1_000, 1_000), description="those of DCI, whose trees take long"
    )
    dci_trees: Count = Field(
        10,
        description="of DCI's gradient boosting, for every value of a factor; 100 in "
        "disentanglement_lib",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("latent", "seeds", "betas")
        factors = SETS[self.dataset].factors
        if self.every is not None and len(self.every) != factors:
            raise ValueError(f"every has {len(self.every)} values for {factors} factors")
        return self


EXPERIMENT = Experiment(
    settings=Disentanglement,
    jobs="latent",
    dtype="float32",
    takes=("images",),
    trained={"records": "parquet", "codes": "safetensors"},
    measured_from=("images", "codes"),
    measures=("scores", "summary", "trends"),
    arrays=("strips",),
    figures={
        "disentanglement": ("scores",),
        "disentanglement_units": ("summary",),
        "traversals": ("strips",),
    },
    tables={
        "disentanglement": ("scores", "summary"),
        "disentanglement_trends": ("trends",),
    },
)
