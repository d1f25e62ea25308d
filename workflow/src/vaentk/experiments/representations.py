"""Wang & Huang 2024: what VAEs of several latent sizes represent (W5, W6)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.data.sets import SETS
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key in ("latent", "seeds", "betas"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names a value twice")
        factors = SETS[self.dataset].factors
        if self.every is not None and len(self.every) != factors:
            raise ValueError(f"every has {len(self.every)} values for {factors} factors")
        return self


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
        for key in ("latent", "seeds"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names a value twice")
        return self
