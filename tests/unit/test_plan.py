"""What a run will cost: told from the configuration."""

from pathlib import Path
from typing import Any

import yaml

from vaentk.config import load
from vaentk.models.conv_layers import operations
from vaentk.plan import training_of_vaes

CONFIG = Path(__file__).parents[2] / "config"


def test_nothing_is_said_where_nothing_is_trained() -> None:
    assert training_of_vaes(load({})) is None


def said(runs: dict[str, Any], faces: dict[str, Any] | None = None) -> str:
    data = {"dsprites": "drawn", "cars3d": "stand-in", "celeba": "stand-in"}
    experiments = {"disentanglement": runs, "discovery": faces or {}}
    sentence = training_of_vaes(load({"data": data, "experiments": experiments}))
    assert sentence is not None
    return sentence


def test_updates_count_seeds_betas_and_latent_sizes() -> None:
    run = {"dataset": "dsprites", "latent": [10, 20], "seeds": [0, 1], "betas": [1.0, 4.0, 8.0]}
    total = 6000 * (operations(1, 10, 64) + operations(1, 20, 64))
    sentence = said({"a": run | {"steps": 1000}})
    assert "train 12,000 updates" in sentence
    assert f"{total:.1e} floating-point operations" in sentence


def test_figure_4_counts_too() -> None:
    sentence = said({}, {"a": {"latent": [10, 256], "seeds": [0, 1, 2], "steps": 1000}})
    total = 3000 * (operations(3, 10, 64) + operations(3, 256, 64))
    assert "train 6,000 updates" in sentence
    assert f"{total:.1e} floating-point operations" in sentence


def test_the_papers_scale_is_two_gpu_hours_at_the_assumed_rate() -> None:
    """2 data sets x 5 latent sizes x 5 seeds x 300,000 updates of 5 to 6 GFLOP: 8e16 operations."""
    paper = yaml.safe_load((CONFIG / "paper.yaml").read_text())
    sentence = said(paper["experiments"]["disentanglement"])
    assert "15,000,000 updates" in sentence
    assert "about 2.34 GPU hours" in sentence
