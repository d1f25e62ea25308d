"""W5, Figure 3: disentanglement against latent size."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.data.sets import SETS
from vaentk.experiments.declaration import Experiment
from vaentk.experiments.latents.scale import FULL_SIDE, FULL_STEPS, said_of
from vaentk.experiments.settings import Count, NonNegative, Positive, Seeds, Strict, Widths
from vaentk.training.schedule import BLOCK


class Disentanglement(Strict):
    """W5, Figure 3: one data set, several latent sizes, seeds and weights of the KL term."""

    dataset: Literal[
        "dsprites",
        "cars3d",
    ]
    model: Literal["conv", "dense"] = Field(
        "conv",
        description="disentanglement_lib's convolutions, or fully connected with as many units",
    )
    side: Literal[64, 32, 16, 8] = Field(
        64, description="pixels a side; images of 64x64 are mean-pooled to it"
    )
    hidden: Annotated[tuple[Count, ...], Field(min_length=1)] = Field(
        (256, 256), description="units of the fully connected encoder's hidden layers"
    )
    latent: Widths = Field((10, 20, 50, 100, 200), description="latent sizes, one job each")
    seeds: Seeds = Field((0, 1, 2, 3, 4), description="trained side by side")
    betas: Annotated[tuple[NonNegative, ...], Field(min_length=1)] = Field(
        (4.0,), description="weights of the KL term, trained side by side"
    )
    steps: Count = Field(FULL_STEPS, description="updates")
    batch: Count = Field(64, description="images an update")
    learning_rate: Positive = Field(1e-4, description="of Adam")
    looks: Count = Field(
        1, description="times at which scores are measured: the end, half of it, a quarter ..."
    )
    every: tuple[Count, ...] | None = Field(
        None, description="scores use every so-manieth value of each factor; all of them if null"
    )
    points: tuple[Count, Count] = Field(
        (10_000, 5_000), description="points that scores learn from and are tested on"
    )
    dci_points: tuple[Count, Count] = Field(
        (1_000, 1_000), description="those of DCI, whose trees take long"
    )
    dci_trees: Count | None = Field(
        10,
        description="of DCI's gradient boosting, for every value of a factor; 100 in "
        "disentanglement_lib; no DCI if null",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("latent", "seeds", "betas")
        if self.model == "conv" and self.side != FULL_SIDE:
            raise ValueError(f"side is {self.side}, but model: conv has {FULL_SIDE}: take dense")
        factors = SETS[self.dataset].factors
        if self.every is not None and len(self.every) != factors:
            raise ValueError(f"every has {len(self.every)} values for {factors} factors")
        return self

    @property
    def kept(self) -> tuple[int, ...]:
        """Steps before the last after which scores are measured."""
        halves = {self.steps // 2**k // BLOCK * BLOCK for k in range(1, self.looks)}
        return tuple(sorted(halves - {0}))

    @property
    def reduced(self) -> str:
        """Say what is less than in the paper; empty where nothing is."""
        return said_of(self.side, self.steps, "a fully connected network" * (self.model == "dense"))


EXPERIMENT = Experiment(
    settings=Disentanglement,
    jobs="latent",
    dtype="float32",
    takes=("images",),
    trained={"records": "parquet", "codes": "safetensors"},
    measured_from=("images", "codes"),
    measures=("scores", "summary", "trends", "curves"),
    arrays=("strips",),
    figures={
        "disentanglement": ("scores",),
        "disentanglement_curves": ("curves",),
        "disentanglement_units": ("summary",),
        "traversals": ("strips",),
    },
    tables={
        "disentanglement": ("scores", "summary"),
        "disentanglement_trends": ("trends",),
    },
)
