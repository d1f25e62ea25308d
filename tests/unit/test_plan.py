"""What a run will cost: told from the configuration."""

from pathlib import Path
from typing import Any

import yaml

from vaentk.config import load
from vaentk.models.conv_layers import operations
from vaentk.models.deep_gaussian_vae import deep_gaussian_vae
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.plan import gradients_of_deep_vaes, training_of_deep_vaes, training_of_vaes

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


def test_deep_vaes_count_variants_seeds_and_codes() -> None:
    """Two seeds of 3 epochs of 4 batches; base, another beta, five codes. By hand per image:

    the authors' small network has 16^2 48 32 + 8^2 512 64 + 4^2 1024 128 multiplications in its
    convolutions, 2048 256 + 256 100 (+ 256 100 of a second head) in its dense layers.
    """
    convolutions = 16**2 * 48 * 32 + 8**2 * 512 * 64 + 4**2 * 1024 * 128
    dense = 2048 * 256 + 256 * 100
    encoder, decoder = convolutions + dense + 256 * 100, convolutions + dense
    model = deep_gaussian_vae(32, Nonlinearities.named("relu"))
    assert model.operations(5) == 6 * (encoder + 5 * decoder)
    run = {
        "network": {"dataset": "cifar", "side": 32, "images": 43},
        "seeds": [0, 1],
        "epochs": 3,
        "batch": 10,
        "activations": ["relu"],
        "betas": [4.0],
        "samples": [5],
    }
    config = load({"data": {"cifar": "cifar10"}, "experiments": {"deep_vae": {"a": run}}})
    sentence = training_of_deep_vaes(config)
    assert sentence is not None
    assert "train 72 updates" in sentence
    total = 240 * (2 * model.operations() + model.operations(5))
    assert f"{total:.1e} floating-point operations" in sentence
    assert training_of_deep_vaes(load({})) is None


def test_gradients_count_cells_kinds_seeds_and_repetitions() -> None:
    """Two seeds, one state, two estimators, fixed and redrawn; M is 8, 8, 8 and 4 of 4 cells."""
    assert gradients_of_deep_vaes(load({})) is None
    network = {"dataset": "cifar", "side": 32, "images": 640}
    noise = {"network": "a", "states": ["end"], "estimators": ["iwae", "elbo"]}
    noise |= {"batches": [2, 4], "samples": [1, 4], "repetitions": 8, "least": 4, "budget": 64}
    experiments = {
        "deep_vae": {"a": {"network": network, "seeds": [0, 1]}},
        "gradient_noise": {"b": noise},
    }
    config = {"data": {"cifar": "cifar100"}, "experiments": experiments}
    sentence = gradients_of_deep_vaes(load(config))
    assert sentence is not None
    assert f"S5 draws {8 * (8 + 8 + 8 + 4)} gradients" in sentence
    model = deep_gaussian_vae(32, Nonlinearities.named("relu"))
    total = 8 * ((8 * 2 + 8 * 4) * model.operations(1) + (8 * 2 + 4 * 4) * model.operations(4))
    assert f"{total:.1e} floating-point operations" in sentence
