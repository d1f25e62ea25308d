"""W5, Figure 3: disentanglement against latent size."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.data.sets import SETS
from vaentk.experiments.declaration import Experiment
from vaentk.experiments.latents.scale import FULL_SIDE, FULL_STEPS, said_of
from vaentk.experiments.settings import Count, NonNegative, Positive, PrecisionName, Seeds, Strict
from vaentk.training.schedule import BLOCK

LatentSizes = Annotated[tuple[Annotated[int, Field(ge=2, le=10**5)], ...], Field(min_length=2)]
Points = tuple[Annotated[int, Field(ge=50, le=10**9)], Annotated[int, Field(ge=50, le=10**9)]]


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
    latent: LatentSizes = Field(
        (10, 20, 50, 100, 200),
        description="latent sizes, one job each, of 2 or more: MIG and SAP compare two codes",
    )
    seeds: Seeds = Field((0, 1, 2, 3, 4), description="trained side by side")
    betas: Annotated[tuple[NonNegative, ...], Field(min_length=1)] = Field(
        (4.0,), description="weights of the KL term, trained side by side"
    )
    steps: Count = Field(FULL_STEPS, description="updates")
    batch: Count = Field(64, description="images an update")
    learning_rate: Positive = Field(1e-4, description="of Adam")
    precision: PrecisionName = "float32"
    looks: Count = Field(
        1, description="times at which scores are measured: the end, half of it, a quarter ..."
    )
    every: tuple[Count, ...] | None = Field(
        None, description="scores use every so-manieth value of each factor; all of them if null"
    )
    points: Points = Field(
        (10_000, 5_000), description="points that scores learn from and are tested on"
    )
    dci_points: Points = Field((1_000, 1_000), description="those of DCI, whose trees take long")
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
        sizes = SETS[self.dataset].factors
        every = self.every or (1,) * len(sizes)
        if len(every) != len(sizes):
            raise ValueError(f"every has {len(every)} values for {len(sizes)} factors")
        for step, size in zip(every, sizes, strict=True):
            if step >= size:
                raise ValueError(
                    f"every has {step} for a factor of {size} values, which leaves one alone: "
                    f"take {size - 1} or less"
                )
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
