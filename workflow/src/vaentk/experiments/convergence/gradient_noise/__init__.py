"""Surendran et al. 2024: how noisy the gradients of encoder and decoder are (S5)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import Count, RunName, Strict

Sizes = Annotated[tuple[Count, ...], Field(min_length=2)]


class GradientNoise(Strict):
    """S5: signal-to-noise of gradients over a grid of B images and K codes of each."""

    network: RunName = Field(
        description="run of deep_vae whose base gives weights, seeds, loss, beta and images"
    )
    states: Annotated[tuple[Literal["start", "end"], ...], Field(min_length=1)] = Field(
        ("start", "end"), description="weights before and after training"
    )
    estimators: Annotated[tuple[Literal["elbo", "iwae", "iwae-dreg"], ...], Field(min_length=1)] = (
        Field(("iwae", "iwae-dreg", "elbo"), description="of the gradient; the paper's is iwae")
    )
    images: Annotated[tuple[Literal["fixed", "redrawn"], ...], Field(min_length=1)] = Field(
        ("fixed", "redrawn"),
        description="whether all repetitions share their B images, as theory has it, or have "
        "images of their own, as training",
    )
    batches: Sizes = Field((4, 16, 64, 256), description="values of B")
    samples: Sizes = Field((1, 4, 16, 64, 100), description="values of K")
    repetitions: Annotated[int, Field(ge=16)] = Field(
        256, description="gradients M of every cell of the grid"
    )
    codes_at_once: Count | None = Field(
        None, description="codes of an image decoded together, for memory; all if null"
    )
    side_by_side: Count = Field(
        1, description="gradients computed together, each with a copy of the weights"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("states", "estimators", "images", "batches", "samples")
        return self


EXPERIMENT = Experiment(
    settings=GradientNoise,
    measured_from=("images", "weights", "network", "task"),
    measures=("ratios", "codes", "exponents", "budgets"),
    figures={
        "gradient_noise": ("ratios",),
        "gradient_noise_exponents": ("ratios", "exponents"),
    },
    tables={
        "gradient_noise": ("exponents",),
        "gradient_noise_codes": ("codes",),
        "gradient_noise_budgets": ("budgets",),
    },
)
