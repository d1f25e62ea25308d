"""Wang & Huang 2024: kernels, training rates, ridge regression and weight change (W1 to W4, X)."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from vaentk.experiments.settings import (
    ActivationName,
    Count,
    Deviations,
    Names,
    NonNegative,
    Positive,
    Seed,
    Seeds,
    Strict,
    VariantName,
    Widths,
)


class Inputs(Strict):
    """The images one run is trained on."""

    samples: Count = Field(128, description="class-balanced number n of images")
    resolution: Literal[28, 14, 7] = Field(28, description="pixels a side, by mean pooling")
    components: Count | None = Field(
        None,
        description="leading principal components kept, scaled to unit norm; all pixels if null",
    )
    scaling: Literal["unit-norm", "raw", "standardised"] = Field(
        "unit-norm", description="unit-norm rows are what the theory assumes"
    )
    data_seed: Seed = Field(0, description="seed of the choice of images")

    @model_validator(mode="after")
    def _fewer_components(self) -> Self:
        if self.components is not None and self.components > self.resolution**2:
            raise ValueError(
                f"components is {self.components}, but there are {self.resolution**2} pixels"
            )
        return self

    @property
    def outputs(self) -> int:
        """Number d of inputs and outputs."""
        return self.components or self.resolution**2


def _refuse_other_norms(inputs: Inputs) -> None:
    """Refuse inputs for which the limit kernels do not hold."""
    if inputs.scaling != "unit-norm":
        raise ValueError("inputs.scaling must be unit-norm: the limit kernels assume it")


class LimitKernels(Strict):
    """W1, Lemma 1: one set of inputs for the infinite-width kernels and their least eigenvalue."""

    inputs: Inputs = Inputs()
    activations: Names = ("erf", "tanh", "relu", "soft_clipping")
    sigma0: Deviations = (0.1, 0.5, 1.0)

    @model_validator(mode="after")
    def _unit_norm(self) -> Self:
        _refuse_other_norms(self.inputs)
        return self


class Training(Strict):
    """What every gradient-descent run is made of."""

    inputs: Inputs = Inputs()
    widths: Widths = Field(description="two or more, one job a width")
    seeds: Seeds = Field((0, 1), description="members, trained side by side")
    sigma0: Positive = Field(0.5, description="initial W_sigma")
    step_fraction: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="time-equivalent step over the stability limit"
    )
    slope_widths: Annotated[int, Field(ge=2)] = Field(
        3, description="how many of the largest widths a slope is fitted to"
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for key in ("widths", "seeds", "betas", "samples", "deviations", "activations"):
            values = getattr(self, key, ())
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names a value twice")
        return self


class LinearRate(Training):
    """W2, Theorem 1: one run of Eq. 2's network on Eq. 7's loss."""

    activation: ActivationName = "erf"
    horizon: Positive = Field(1.0, description="time to train for, in units of n / lambda_0")
    train_sigma: bool = Field(True, description="whether W_sigma is trained with W_mu and W_d")

    common_time: ClassVar[bool] = False
    common_step: ClassVar[bool] = False

    @model_validator(mode="after")
    def _unit_norm(self) -> Self:
        _refuse_other_norms(self.inputs)
        return self

    @property
    def trained(self) -> tuple[str, ...]:
        """Layers of Eq. 2's network that are trained."""
        return ("mu", "sigma", "d") if self.train_sigma else ("mu", "d")

    def variants(self) -> dict[str, "LinearRate"]:
        """Return what is trained, by name: here the run itself."""
        return {"base": self}

    def _plain(self, **changes: Any) -> "LinearRate":
        """Return one of its variants as a run of Theorem 1."""
        plain = self.model_dump(mode="json")
        shared = {key: plain[key] for key in LinearRate.model_fields}
        return LinearRate.from_plain(shared | changes)


class TangentKernels(LinearRate):
    """W1, Lemmas 2 and 3: the kernels of finite width at initialisation and along training."""

    horizon: NonNegative = Field(
        1.0, description="as for Theorem 1; 0 looks at the initialisation alone"
    )
    tolerance: Positive = Field(1e-2, description="relative accuracy of an eigenvalue")

    @model_validator(mode="after")
    def _whole_kernel(self) -> Self:
        if not self.train_sigma:
            raise ValueError("train_sigma must be true: the lemmas are on the kernel of all layers")
        return self


class Activations(LinearRate):
    """X1: Theorem 1's run for several activations, all for the longest of their times."""

    common_time: ClassVar[bool] = True

    activations: Names = (
        *("erf", "tanh", "soft_clipping", "softplus"),
        *("gelu", "relu", "leaky_relu"),
    )

    def variants(self) -> dict[str, LinearRate]:
        """Return a run an activation."""
        return {name: self._plain(activation=name) for name in self.activations}


class FrozenSigma(LinearRate):
    """X2: Theorem 1's run with W_sigma trained and frozen, at the same steps."""

    common_time: ClassVar[bool] = True
    common_step: ClassVar[bool] = True

    def variants(self) -> dict[str, LinearRate]:
        """Return both runs."""
        return {
            "trained": self._plain(train_sigma=True),
            "frozen": self._plain(train_sigma=False),
        }


class LeastWidth(LinearRate):
    """X3: Theorem 1's run for several numbers of samples and several sigma0."""

    samples: Annotated[tuple[Count, ...], Field(min_length=2)] = (16, 32, 64)
    deviations: Deviations = Field((0.25, 0.5, 1.0), description="values of sigma0")
    tolerance: Positive = Field(0.1, description="distance to the kernel's prediction that holds")

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        if max(self.samples) > self.inputs.samples:
            raise ValueError("inputs.samples must be the largest of samples")
        if self.inputs.components is not None:
            raise ValueError("inputs.components is not for this kind: it takes all pixels")
        return self

    def variants(self) -> dict[str, LinearRate]:
        """Return a run for every number of samples and every sigma0."""
        inputs = self.inputs.model_dump(mode="json")
        return {
            f"n{samples}-sigma{sigma0:g}": self._plain(
                inputs=inputs | {"samples": samples}, sigma0=sigma0
            )
            for samples in self.samples
            for sigma0 in self.deviations
        }


class PenalisedMean(Training):
    """W3, Theorem 2, one case: only W_mu is trained, on Eq. 12."""

    activation: ActivationName = "erf"
    beta: Positive = Field(0.01, description="Eq. 12's weight")
    horizon: Positive = Field(12.0, description="time to train for, in units of 1/beta")
    antisymmetric: bool = Field(False, description="whether the initial output is zero")


class Ridge(Training):
    """W3, Theorem 2: one run, for several beta, with and without an initial output."""

    inputs: Inputs = Inputs(samples=32, components=16)
    held_out: Count = Field(64, description="class-balanced number of test images")
    activation: ActivationName = "erf"
    betas: Deviations = Field((0.001, 0.01, 0.1, 1.0), description="Eq. 12's weights")
    horizon: Positive = Field(12.0, description="time to train for, in units of 1/beta")

    @model_validator(mode="after")
    def _unit_norm(self) -> Self:
        _refuse_other_norms(self.inputs)
        if any(width % 2 for width in self.widths):
            raise ValueError("widths must be even: the antisymmetric network has pairs of units")
        return self

    def variants(self) -> dict[str, PenalisedMean]:
        """Return a case for every beta and both initialisations."""
        plain = self.model_dump(mode="json")
        shared = {key: plain[key] for key in PenalisedMean.model_fields if key in plain}
        return {
            f"beta{beta:g}-{name}": PenalisedMean.from_plain(
                shared | {"beta": beta, "antisymmetric": antisymmetric}
            )
            for beta in self.betas
            for name, antisymmetric in (("standard", False), ("antisymmetric", True))
        }


class WeightChange(Training):
    """W4, Figure 2: one run of the three-hidden-layer VAE on Eq. 4's objective."""

    activation: ActivationName = "tanh"
    beta: NonNegative = Field(0.01, description="weight of Eq. 4's KL term, in Eq. 7's units")
    noise: Literal["expected", "sampled", "none"] = Field(
        "expected", description="exact expectation, one sample a step, or a deterministic network"
    )
    steps: Count = Field(2**17, description="the paper's number of updates")
    learning_rate: Positive = Field(1.0, description="the paper's, for the loss below")
    reduction: Literal["mean", "sum"] = Field(
        "mean", description="mean over samples and outputs, or Eq. 7's sum over outputs"
    )
    stepping: Literal["time-equivalent", "literal"] = Field(
        "time-equivalent", description="same training time by larger stable steps, or as printed"
    )

    @model_validator(mode="after")
    def _no_divergence_without_noise(self) -> Self:
        if self.noise == "none" and self.beta > 0:
            raise ValueError(
                "beta must be 0 where noise is none: without noise there is no KL term"
            )
        return self

    def variants(self) -> dict[str, "WeightChange"]:
        """Return what is trained, by name: here the run itself."""
        return {"base": self}


class Sensitivity(WeightChange):
    """W4: Figure 2's run with one setting changed at a time."""

    shared: ClassVar[tuple[str, ...]] = (
        *("widths", "seeds", "slope_widths"),
        *("inputs.samples", "inputs.data_seed", "inputs.components"),
    )

    changes: dict[VariantName, dict[str, Any]] = Field(
        description="variants by name: the settings of a weight_change run that differ"
    )

    @model_validator(mode="after")
    def _variants_are_runs(self) -> Self:
        for name, change in self.changes.items():
            if name == "base":
                raise ValueError("changes names a variant base, which is the run itself")
            inputs = change.get("inputs")
            keys = [*change, *(f"inputs.{key}" for key in inputs or {} if isinstance(inputs, dict))]
            fixed = [key for key in keys if key in self.shared]
            if fixed:
                raise ValueError(f"changes.{name}.{fixed[0]} cannot differ from the run's own")
        self.variants()
        return self

    def variants(self) -> dict[str, WeightChange]:
        """Return the base and every variant."""
        plain = self.model_dump(mode="json", exclude={"changes"})
        runs = {"base": WeightChange.from_plain(plain)}
        for name, change in self.changes.items():
            merged = plain | change
            if isinstance(change.get("inputs"), dict):
                merged["inputs"] = plain["inputs"] | change["inputs"]
            try:
                runs[name] = WeightChange.from_plain(merged)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                key = ".".join(map(str, ("changes", name, *first["loc"])))
                said = first["msg"].removeprefix("Value error, ")
                raise ValueError(f"{key}: {said}") from None
        return runs
