"""On a GPU: S5's measure, a checkpoint, a memory that fills, and fewer bits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from first_jobs import TOLERANCE, given, numbers, on_the_gpu, settings_of, trained
from pretended_gpu import on_the_cpu, play

from vaentk.bounds.gradient_noise_grid import Grid
from vaentk.data.stored import Stored
from vaentk.experiments.convergence.deep_vae.networks import model_of
from vaentk.experiments.convergence.gradient_noise import measure as gradient_noise
from vaentk.runtime.checkpoints import Checkpoint
from vaentk.runtime.job import Job
from vaentk.training.graph import Graph
from vaentk.training.state import State


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
