"""Surendran et al. 2024: the linear VAE, whose gradient and optimum are known (S1, S3, S4)."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import Many, Positive, Seed, Several, Small, Strict, exact

OptimiserName = Literal["sgd", "adam"]
EstimatorName = Literal["pathwise", "score", "score-leave-one-out", "score-mean"]
AnyEstimator = EstimatorName | Literal["iwae"]
Place = Literal["start", "optimum"]
Role = Literal["rate", "constant", "beta", "codes", "noise-limited"]
Scales = Annotated[dict[OptimiserName, Positive], Field(min_length=1)]
Counts = Annotated[tuple[Small, ...], Field(min_length=2)]
Power = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]

THEOREM: Final = 0.5
"""Power of n in the theorem's step sizes, C n^(-1/2)."""


@dataclass(frozen=True)
class Variant:
    """One training of all runs; ``power`` is that of the step sizes ``C n^(-power)``."""

    role: Role
    estimator: AnyEstimator
    power: float
    beta: float
    batch: int
    samples: int
    steps: int

    @property
    def name(self) -> str:
        """Its name, for file and log."""
        if self.role == "beta":
            return f"beta-{exact(self.beta)}"
        if self.role == "codes":
            return f"codes-{self.samples}"
        return f"{self.role}-{self.estimator}-{exact(self.power)}"


Steps = Annotated[int, Field(ge=100, le=10**9)]


class Gaussian(Strict):
    """Samples of probabilistic PCA's own model, ``x = m + U diag(signal)^(1/2) z + noise``."""

    dim: Small = Field(5, description="dimensions d of the data")
    signal: Annotated[tuple[Positive, ...], Field(min_length=1)] = Field(
        (4.0, 2.0), description="variances above the noise, one a true latent dimension"
    )
    noise: Positive = Field(1.0, description="variance of the noise in every direction")
    samples: Many = Field(500, description="number N of samples, which are the data set")
    seed: Seed = Field(0, description="of the drawn data set")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.signal) > self.dim:
            raise ValueError(f"signal has {len(self.signal)} values for {self.dim} dimensions")
        if self.samples <= self.dim:
            raise ValueError(f"samples is {self.samples} for {self.dim} dimensions: take more")
        return self

    @property
    def label(self) -> str:
        """Say as figures do what the data is."""
        return f"Gaussian data (drawn), d = {self.dim}, N = {self.samples}"


class NoiseLimited(Strict):
    """A training that starts at the optimum, so that noise alone is left of the bound."""

    runs: Several = Field(128, description="independent runs, seeds 0 and up, side by side")
    steps: Steps = Field(30_000, description="iterations")


class LinearVae(Strict):
    """S1, S3, S4: runs of the linear VAE side by side, by SGD and Adam, by several estimators."""

    data: Gaussian = Gaussian()
    latent_dim: Small = Field(2, description="latent dimensions q of the model")
    variance: Positive = Field(1.0, description="variance c^2 of the decoder, fixed")
    beta: Positive = Field(1.0, description="weight of the KL term; 1 is the ELBO")
    runs: Several = Field(256, description="independent runs, seeds 0 and up, side by side")
    steps: Steps = Field(100_000, description="iterations of the trainings of the rate")
    short_steps: int = Field(
        10_000,
        ge=100,
        le=10**9,
        description="iterations of constant steps, of the betas and of IWAE's K",
    )
    initial_scale: Positive = Field(0.2, description="deviation of the entries of W and V")
    optimisers: Scales = Field(
        {"sgd": 0.04, "adam": 0.05}, description="C of the step sizes C n^(-power), one job each"
    )
    score_scales: dict[OptimiserName, Positive] = Field(
        {"sgd": 0.02, "adam": 0.05},
        description="C for score-function gradients without control variate, which are noisier",
    )
    constant_power: Power = Field(
        0.0, description="power of n in the step sizes that are set against the theorem's 1/2"
    )
    estimators: Annotated[tuple[EstimatorName, ...], Field(min_length=1)] = Field(
        ("pathwise", "score", "score-leave-one-out"), description="how a gradient is estimated"
    )
    constant_estimators: Annotated[tuple[EstimatorName, ...], Field(min_length=1)] = Field(
        ("pathwise", "score-leave-one-out"), description="those trained by constant steps too"
    )
    batch: Small = Field(4, description="data points B of an iteration")
    samples: Small = Field(4, description="draws K of the noise for each data point")
    betas: Annotated[tuple[Positive, ...], Field(min_length=2)] = Field(
        (0.25, 0.5, 1.0, 2.0, 4.0, 8.0), description="compared, each with its own optimum"
    )
    threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="part of the start to which betas and IWAE's K are timed"
    )
    batches: Counts = Field((1, 4, 16, 64), description="B over which the noise is measured")
    sample_counts: Counts = Field((1, 4, 16, 64), description="K over which it is measured")
    draws: Several = Field(64, description="gradients a run and measurement of the noise")
    code_counts: Counts = Field((1, 4, 16), description="K with which IWAEs are trained, beta = 1")
    noise_limited: NoiseLimited = NoiseLimited()
    radii: Annotated[tuple[Positive, ...], Field(min_length=1)] = Field(
        (1.0, 3.0), description="norms of the parameters at which the Hessian is looked at"
    )
    points: Many = Field(400, description="random parameters of each norm")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.distinct("betas", "batches", "sample_counts", "code_counts", "radii")
        self.distinct("estimators", "constant_estimators")
        if self.latent_dim >= self.data.dim:
            raise ValueError(
                f"latent_dim is {self.latent_dim} and must be below data.dim, {self.data.dim}"
            )
        if self.short_steps > self.steps:
            raise ValueError(f"short_steps is {self.short_steps}, above steps, {self.steps}")
        if self.constant_power == THEOREM:
            raise ValueError("constant_power is 0.5, which the theorem's steps have already")
        left_out = [name for name in self.constant_estimators if name not in self.estimators]
        if left_out:
            raise ValueError(f"constant_estimators has {left_out[0]}, which estimators lacks")
        for name in self.optimisers:
            if name not in self.score_scales:
                raise ValueError(f"score_scales lacks {name}, which optimisers has")
        if "score-leave-one-out" in self.estimators and self.samples < 2:
            raise ValueError(
                "samples is 1, but score-leave-one-out needs two draws or more: take score-mean"
            )
        enough = [count for count in self.sample_counts if count > 1]
        if "score-leave-one-out" in self.estimators and len(enough) < 2:
            raise ValueError("sample_counts needs two values of 2 or more for score-leave-one-out")
        return self

    def scale(self, optimiser: OptimiserName, estimator: AnyEstimator) -> float:
        """C of an optimiser's step sizes under an estimator."""
        scales = self.score_scales if estimator == "score" else self.optimisers
        return scales[optimiser]

    def seeds(self, role: Role = "rate") -> tuple[int, ...]:
        """Seeds of the runs."""
        return tuple(range(self.noise_limited.runs if role == "noise-limited" else self.runs))

    def variants(self) -> list[Variant]:
        """The trainings of one optimiser: rates, constant steps, betas, IWAE's K, noise-limited."""
        size, short, power = (self.batch, self.samples), self.short_steps, self.constant_power
        base = self.beta, *size
        return [
            *(Variant("rate", name, THEOREM, *base, self.steps) for name in self.estimators),
            *(Variant("constant", name, power, *base, short) for name in self.constant_estimators),
            *(Variant("beta", "pathwise", THEOREM, beta, *size, short) for beta in self.betas),
            *(
                Variant("codes", "iwae", THEOREM, 1.0, self.batch, count, short)
                for count in self.code_counts
            ),
            Variant("noise-limited", "pathwise", THEOREM, *base, self.noise_limited.steps),
        ]


EXPERIMENT = Experiment(
    settings=LinearVae,
    jobs="optimisers",
    dtype="float64",
    device="cpu",
    trained={"records": "parquet", "marks": "marks.parquet"},
    measured_from=("records", "marks"),
    measures=(
        "curves",
        "slopes",
        "local_slopes",
        "noise",
        "noise_slopes",
        "constants",
        "beta_curves",
        "betas",
        "beta_pairs",
        "beta_trends",
        "smoothness",
        "code_curves",
        "codes",
        "code_pairs",
    ),
    figures={
        "linear_vae": ("curves", "slopes"),
        "linear_vae_limit": ("curves", "local_slopes"),
        "linear_vae_noise": ("noise", "noise_slopes", "curves"),
        "linear_vae_betas": ("beta_curves", "betas"),
        "linear_vae_smoothness": ("smoothness", "betas"),
        "linear_vae_codes": ("code_curves", "codes"),
    },
    tables={
        "linear_vae_slopes": ("slopes",),
        "linear_vae_noise": ("noise_slopes",),
        "linear_vae_constants": ("constants",),
        "linear_vae_betas": ("betas", "beta_trends"),
        "linear_vae_smoothness": ("smoothness",),
        "linear_vae_codes": ("codes", "code_pairs"),
    },
)
