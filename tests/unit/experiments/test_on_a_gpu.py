"""Every experiment's training on a GPU, or one that the CPU plays, against the CPU."""

from pathlib import Path

import numpy as np
import pytest
from first_jobs import EXPERIMENTS, TOLERANCE, numbers, on_the_gpu, trained
from pretended_gpu import on_the_cpu

TRAINED = [kind for kind, e in EXPERIMENTS.items() if e.jobs and e.device != "cpu"]


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
