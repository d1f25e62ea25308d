"""Signal to noise of importance-weighted gradients where the number of codes that count is set.

Surendran et al. 2024 state powers of the number K of codes (S5) that hold where many of them count;
in trained deep networks one or two do. Here the encoder of a linear VAE is its exact posterior, but
for a shift and a widening, so that nearly all K codes count, or nearly none.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from vaentk.experiments.convergence.linear_vae import Gaussian
from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import Many, NonNegative, Positive, Seeds, Small, Strict

Widening = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Alpha = Annotated[float, Field(gt=0, lt=1)]


class FourSignals(Gaussian):
    """Samples of probabilistic PCA's own model with four latent dimensions.

    A seed's data set is drawn with that seed added to its own.
    """

    dim: Small = Field(8, description="dimensions d of the data")
    signal: Annotated[tuple[Positive, ...], Field(min_length=1)] = Field(
        (4.0, 3.0, 2.0, 1.0), description="variances above the noise, one a true latent dimension"
    )


class ImportanceWeights(Strict):
    """Linear VAEs, a data set a seed, and the importance-weighted gradients of a few of its points.

    The decoder is the best for the data set. The points are few, so that their own mean gradient is
    not zero. The encoder is away from the exact posterior, where its gradient would be zero.
    """

    data: FourSignals = FourSignals()
    latent_dim: Small = Field(4, description="latent dimensions q of the model")
    variance: Positive = Field(1.0, description="variance c^2 of the decoder, fixed")
    shift: NonNegative = Field(
        0.5, description="distance of the encoder's mean to the posterior's, in its deviations"
    )
    widenings: Annotated[tuple[Widening, ...], Field(min_length=1)] = Field(
        (1.0, 1.5, 2.5, 8.0), description="deviations of the encoder over the posterior's"
    )
    alphas: tuple[Alpha, ...] = Field(
        (0.2, 0.5, 0.9), description="of the VR-IWAE bound; the IWAE is 0 and the ELBO 1"
    )
    batch: Small = Field(4, description="data points B of a gradient, fixed")
    samples: Annotated[tuple[Many, ...], Field(min_length=3)] = Field(
        (4, 8, 16, 32, 64), description="values of K, rising"
    )
    repetitions: Annotated[int, Field(ge=16, le=10**6)] = Field(
        500, description="gradients M of every seed, widening, K and estimator"
    )
    seeds: Seeds = Field(tuple(range(8)), description="of data set, shift and codes")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("widenings", "alphas", "samples", "seeds")
        if list(self.samples) != sorted(self.samples):
            raise ValueError(f"samples is {self.samples}: name them in rising order")
        if self.latent_dim >= self.data.dim:
            raise ValueError(
                f"latent_dim is {self.latent_dim} and must be below data.dim, {self.data.dim}"
            )
        if self.batch > self.data.samples:
            raise ValueError(f"batch is {self.batch}, and there are {self.data.samples} points")
        return self

    @property
    def upper(self) -> tuple[int, ...]:
        """The upper half of the values of K, the middle one included."""
        return self.samples[len(self.samples) // 2 :]


EXPERIMENT = Experiment(
    settings=ImportanceWeights,
    measured_from=(),
    measures=("ratios", "summary", "exponents"),
    figures={
        "importance_weights": ("summary", "exponents"),
        "importance_weights_exponents": ("exponents",),
    },
    tables={"importance_weights": ("exponents",)},
)
