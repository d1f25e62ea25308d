"""Hundreds of odd configurations: each is refused in one sentence, or can be planned and run.

Runs of every experiment, as small as they can be, have one to three settings replaced by values
that are out of range, of another type, doubled, out of order, tiny, huge, or as good as any.
"""

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pytest
import torch

from vaentk.config import Config, experiments, load
from vaentk.costs.jobs import cost_of, refuse_endless
from vaentk.data.facts import Facts
from vaentk.data.mnist import images
from vaentk.data.sets import SETS
from vaentk.data.stored import Stored
from vaentk.errors import UserError
from vaentk.runtime.job import Job

COUNT = 360

NTK = {"seeds": [0], "inputs": {"samples": 10, "resolution": 7}, "widths": [2, 4]}
DRAWN = {"held_out": 10, "inputs": {"samples": 10, "resolution": 7, "components": 3}}

SMALL: dict[str, dict[str, Any]] = {
    "limit_kernels": {"inputs": NTK["inputs"], "activations": ["erf"], "sigma0": [0.5]},
    "tangent_kernels": NTK | {"horizon": 0.01},
    "linear_rate": NTK | {"horizon": 0.01},
    "elbo": NTK | {"horizon": 0.01},
    "ridge": NTK | DRAWN | {"betas": [1.0], "horizon": 1.0},
    "kl_ridge": NTK | DRAWN | {"betas": [1.0], "horizon": 1.0},
    "weight_change": NTK | {"steps": 64},
    "sensitivity": NTK | {"steps": 64, "changes": {"beta-1": {"beta": 1.0}}},
    "activations": NTK | {"horizon": 0.01, "activations": ["erf", "tanh"]},
    "frozen_sigma": NTK | {"horizon": 0.01},
    "least_width": NTK
    | {"samples": [5, 10], "resolutions": [7], "deviations": [0.5], "horizon": 0.01},
    "convolutional": NTK | {"horizon": 0.01},
    "generalisation": NTK | {"samples": [5, 10], "held_out": 10, "horizon": 0.1},
    "sampled_noise": NTK | {"horizon": 0.01, "halvings": 1},
    "disentanglement": {
        **{"dataset": "dsprites", "model": "dense", "side": 8, "hidden": [2], "latent": [2, 3]},
        **{"seeds": [0], "steps": 4, "batch": 2, "every": [1, 3, 20, 16, 16]},
        **{"points": [50, 50], "dci_points": [50, 50], "dci_trees": 2},
    },
    "discovery": {"side": 32, "latent": [2, 3], "seeds": [0, 1], "steps": 2, "batch": 2},
    "linear_vae": {
        **{"runs": 2, "steps": 100, "short_steps": 100, "betas": [1.0, 2.0], "batches": [1, 2]},
        **{"sample_counts": [2, 3], "code_counts": [1, 2], "draws": 2, "points": 2},
        **{"noise_limited": {"runs": 2, "steps": 100}, "estimators": ["pathwise"]},
        **{"constant_estimators": ["pathwise"]},
    },
    "deep_vae": {
        "network": {"side": 16, "model": "dense", "layers": [2], "latent": 2, "images": 20},
        **{"seeds": [0], "epochs": 1, "batch": 10, "activations": ["relu"], "betas": [4.0]},
        **{"samples": [2]},
    },
    "gradient_noise": {"network": "run", "batches": [1, 2], "samples": [1, 2], "repetitions": 16},
    "importance_weights": {
        "samples": [1, 2, 4],
        "repetitions": 16,
        "seeds": [0],
        "widenings": [1.0],
    },
    "other_models": {
        **{"runs": 2, "steps": 100, "families": ["bernoulli"], "radii": [], "dim": 2, "points": 2},
        **{"latent_dim": 1, "batch": 1, "codes": 1, "norms": [1.0, 2.0], "directions": 4},
    },
    "lipschitz": {"seeds": [0], "decades": 1, "dim": 4},
}
"""The smallest run of every experiment."""

ODD: tuple[Any, ...] = (
    *(None, True, "", "text", "0.5", {}, [], [[]], math.nan, math.inf, -math.inf),
    *(0, -1, 1, 2, 3, 7, 10**6, 2**31, 2**63, 2**64, 2**200, 0.0, -0.5, 0.1234567, 0.12345671),
    *(1e-300, 1e-9, 1e-3, 1.5, 1e6, 1e300, "e" * 10_000, "\ud800", "relu", "identity"),
)
"""Values of any setting."""


def odd(draws: np.random.Generator, old: Any) -> Any:
    """A value for a setting that had another: as above, or the old one changed in its kind."""
    kind = draws.integers(6)
    if isinstance(old, list) and old and kind < 5:
        changed = [*old, old[0]], old[::-1], old[:1], [odd(draws, old[0]), *old[1:]]
        return [*changed, [0.1234567, 0.12345671]][kind]
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float) and kind < 4:
        return old * [2, 3, 10, 100][kind]
    return ODD[draws.integers(len(ODD))]


def places(settings: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every setting of a run, with those of its sections."""
    for key, value in settings.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def configuration(kind: str, draws: np.random.Generator) -> dict[str, Any]:
    """A configuration of one run, some of whose settings are odd."""
    run = copy.deepcopy(SMALL[kind])
    # Its smallest settings, and what it has by default.
    whole = load(of(kind, run)).experiments.model_dump(mode="json")[kind]["run"]
    keys = [*places(whole)]
    for _ in range(draws.integers(1, 3)):
        path = keys[draws.integers(len(keys))]
        section, default = run, whole
        for key in path[:-1]:
            section, default = section.setdefault(key, {}), default[key]
            if not isinstance(section, dict):
                break
        else:
            section[path[-1]] = odd(draws, default[path[-1]])
    if draws.integers(10) == 0:
        run["wdith"] = 1
    return of(kind, run)


def of(kind: str, run: dict[str, Any]) -> dict[str, Any]:
    """A configuration of a run, and of what it is made of."""
    runs = {kind: {"run": run}}
    if kind == "gradient_noise":
        runs["deep_vae"] = {"run": SMALL["deep_vae"]}
    data = {"dsprites": "drawn", "celeba": "stand-in", "faces": 200}
    return {"data": data, "experiments": runs}


def same(written: Any, trained: Any) -> bool:
    """Whether what was written is what is trained, to the last digit."""
    if isinstance(written, dict):
        return all(same(value, trained[key]) for key, value in written.items())
    if isinstance(written, list):
        return len(written) == len(trained) and all(map(same, written, trained))
    return bool(written == trained)


@pytest.fixture(scope="module")
def sources() -> dict[str, Stored]:
    """Images, for jobs in this process: real digits, and grey ones of the size of others."""
    facts = {
        "dsprites": Facts(
            *("dsprites", "dsprites", "drawn", "nowhere", (1, 64, 64), SETS["dsprites"].images),
            factors=tuple(zip("abcde", SETS["dsprites"].factors, strict=True)),
        ),
        "faces": Facts("faces", "celeba", "stand-in", "nowhere", (3, 64, 64), 200),
    }
    bits = torch.zeros((SETS["dsprites"].images, 512), dtype=torch.uint8)
    faces = torch.zeros((200, 3, 64, 64), dtype=torch.uint8)
    parts = torch.tensor([0] * 160 + [1] * 20 + [2] * 20, dtype=torch.uint8)
    return {
        "mnist": images(source="embedded", fetch=lambda *_: {}),
        "dsprites": Stored({"images": bits}, facts["dsprites"].text()),
        "faces": Stored({"images": faces, "parts": parts}, facts["faces"].text()),
    }


def run_smallest_job(config: Config, kind: str, folder: Path, sources: dict[str, Stored]) -> None:
    """Train the first part of a run, or measure one that trains nothing."""
    experiment, settings = experiments()[kind], getattr(config.experiments, kind)["run"]
    params = {"dtype": experiment.dtype or "float32", "checkpoint_seconds": 1e9}
    job = Job({}, {}, {}, params, 1, "cpu", folder / "logs/job.log")
    name = config.images_of(kind, "run") or ""
    given = {"mnist": sources["mnist"], "images": sources.get(name)}
    if experiment.jobs:
        part = experiment.parts(settings)[0]
        train = resolve_name(experiment.functions("train")["train"])
        train(
            settings.of_part(part), part, task=job, **{key: given[key] for key in experiment.takes}
        )
    elif kind != "gradient_noise":  # which takes the weights of another job
        measure = resolve_name(experiment.functions("measure")["measure"])
        measure(settings, **{key: given[key] for key in experiment.measured_from})


def test_a_configuration_is_refused_in_one_sentence_or_runs_as_written(
    tmp_path: Path, sources: dict[str, Stored], record_property: Any
) -> None:
    draws = np.random.default_rng(0)
    refused = ran = stopped = 0
    for number in range(COUNT):
        kind = [*SMALL][number % len(SMALL)]
        plain = configuration(kind, draws)
        try:
            config = load(plain)
            refuse_endless(config)
        except UserError as error:
            said = str(error)
            assert said.startswith("configuration: "), (plain, said)
            assert "\n" not in said, (plain, said)
            assert len(said) < 400, (plain, said)
            said.encode()  # as a terminal does
            refused += 1
            continue
        trained = config.experiments.model_dump(mode="json")
        assert same(plain["experiments"], trained), plain
        parts = experiments()[kind].parts(getattr(config.experiments, kind)["run"])
        rule = f"train_{kind}" if parts else f"measure_{kind}"
        cost = cost_of(config, (rule, {"run": "run", "part": str(parts[0]) if parts else ""}))
        assert math.isfinite(cost.seconds), plain
        if cost.seconds > 5.5 or cost.memory > 3e9:
            continue  # too much for a test
        try:
            run_smallest_job(config, kind, tmp_path / str(number), sources)
            ran += 1
        except UserError:  # what only the data tell, such as that training diverges
            stopped += 1
        except Exception as error:
            raise AssertionError(f"{plain}") from error
    record_property("odd configurations", f"{refused} refused, {ran} ran, {stopped} stopped")
    assert refused > COUNT / 3
    assert ran > COUNT / 6
