"""Costs of jobs against a whole default run that was measured: two CPU cores, AMD EPYC, 2026.

The rates were fitted to that run, so these tests hold the fit, not the forecast of another one.
"""

import csv
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from vaentk.config import Config, load
from vaentk.costs.jobs import cores_of, cost_of, resources, trainings
from vaentk.costs.work import MB, Cost

ROOT = Path(__file__).parents[3]
Job = tuple[str, dict[str, str]]

EQ2 = ("linear_rate", "activations", "frozen_sigma", "least_width")
SIZES = {"disentanglement": "latent", "discovery": "latent", "linear_vae": "optimiser"}


def read(*names: str) -> Config:
    """A configuration over the default, of which it says what differs."""

    def over(old: object, new: object) -> object:
        if not (isinstance(old, dict) and isinstance(new, dict)):
            return new
        return old | {key: over(old.get(key), value) for key, value in new.items()}

    merged: object = {}
    for name in ("config", *names):
        merged = over(merged, yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()))
    assert isinstance(merged, dict)
    return load(merged)


@pytest.fixture(scope="module")
def config() -> Config:
    return read()


def job_of(benchmark: str) -> Job:
    """The rule and the wildcards of a job by its benchmark's name."""
    stage, *parts = benchmark.split("/")
    if stage == "data":
        return (
            (parts[0], {}) if len(parts) == 1 else ("inputs", {"kind": parts[1], "run": parts[2]})
        )
    if stage in ("figures", "tables", "claims", "report"):
        return f"{stage.removesuffix('s') if stage == 'figures' else stage}_{parts[0]}", {}
    kind, known = parts[0], {"kind": parts[0], "run": parts[1]}
    if stage == "measure":
        return ("data_facts", {}) if kind == "data" else (f"measure_{measured(parts)}", known)
    known[SIZES.get(kind, "variant" if kind == "deep_vae" else "width")] = parts[2]
    rule = "linear_rate" if kind in EQ2 else kind
    return f"train_{'weight_change' if kind == 'sensitivity' else rule}", known


def measured(parts: list[str]) -> str:
    return "variants" if len(parts) == 2 and parts[0] in EQ2[1:] else parts[0]


def default_run() -> list[tuple[Job, float, float]]:
    """Job, seconds and bytes of every job of the run that was measured."""
    with (Path(__file__).parent / "default_run.csv").open() as stream:
        return [
            (job_of(row["job"]), float(row["seconds"]), float(row["max_rss_mb"]) * MB)
            for row in csv.DictReader(stream)
        ]


def test_the_default_run_takes_what_was_measured_in_all_and_by_rule(config: Config) -> None:
    """Within a fifth in all, and a factor of two for every rule that takes ten seconds."""
    rules: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for (rule, wildcards), seconds, _ in default_run():
        rules[rule][0] += cost_of(config, rule, wildcards).seconds
        rules[rule][1] += seconds
    ratios = {name: told / took for name, (told, took) in rules.items() if took >= 10}
    total = sum(told for told, _ in rules.values()) / sum(took for _, took in rules.values())
    print({name: round(ratio, 2) for name, ratio in ratios.items()}, round(total, 2))
    assert len(ratios) > 12
    assert all(0.5 < ratio < 2 for ratio in ratios.values()), ratios
    assert 0.8 < total < 1.25


def test_jobs_get_the_memory_and_the_time_that_they_took(config: Config) -> None:
    for (rule, wildcards), seconds, memory in default_run():
        asked = resources(config, rule, wildcards, gpu=False)
        assert asked["mem_mb"] * MB > 1.2 * memory, rule
        assert asked["runtime"] * 60 > 3 * seconds, rule
        assert asked["gpu"] == 0


def test_every_training_of_the_run_is_listed(config: Config) -> None:
    measured = [job for job, _, _ in default_run() if job[0].startswith("train_")]
    listed = [job for job in trainings(config) if job[0].startswith("train_")]
    assert sorted(map(str, listed)) == sorted(map(str, measured))
    noise = ("measure_gradient_noise", {"kind": "gradient_noise", "run": "faces-short"})
    assert noise in list(trainings(config))


@pytest.mark.parametrize("name", ["tiny", "paper"])
def test_every_training_of_other_configurations_has_a_cost(name: str) -> None:
    config = read(name)
    for rule, wildcards in trainings(config):
        cost = cost_of(config, rule, wildcards)
        assert 0 < cost.seconds < 1e8, (rule, wildcards)
        assert cost.on_gpu is not None
        assert 100 * MB < cost.memory < 200_000 * MB, (rule, wildcards)
        assert resources(config, rule, wildcards, gpu=True)["gpu"] == 1


def test_wider_networks_more_seeds_and_more_steps_cost_more() -> None:
    paper = read("paper")
    known = {"kind": "weight_change", "run": "mnist-7x7"}
    costs = [cost_of(paper, "train_weight_change", known | {"width": w}) for w in ("4096", "8192")]
    assert (costs[0].cores, costs[1].cores) == (1, 5)
    assert costs[1].seconds * costs[1].cores > 3 * costs[0].seconds
    assert costs[1].memory > 3 * costs[0].memory
    linear = "train_linear_vae", {"run": "gaussian", "optimiser": "sgd"}
    assert cost_of(paper, *linear).seconds > 10 * cost_of(read(), *linear).seconds


def test_cores_are_for_members_on_a_cpu_and_one_feeds_a_gpu() -> None:
    paper = read("paper")
    wide = {"kind": "ridge", "run": "pca-16", "width": "16384"}
    for rule, wildcards, expected in (
        ("train_ridge", wide, 5),
        ("train_ridge", wide | {"width": "4096"}, 1),
        ("train_discovery", {"run": "celeba", "latent": "10"}, 3),
        ("train_deep_vae", {"run": "celeba", "variant": "base"}, 3),
        ("train_linear_vae", {"run": "gaussian", "optimiser": "sgd"}, 1),
    ):
        assert cores_of(paper, rule, wildcards, gpu=False) == expected
        assert cores_of(paper, rule, wildcards, gpu=True) == 1


def test_a_new_attempt_gets_twice_as_much_and_a_gpu_its_drivers_memory() -> None:
    cost = Cost(3600, on_gpu=600, memory=2000 * MB)
    assert cost.resources(gpu=False) == {"gpu": 0, "mem_mb": 3000, "runtime": 180}
    assert cost.resources(gpu=False, attempt=3) == {"gpu": 0, "mem_mb": 12_000, "runtime": 720}
    assert cost.resources(gpu=True) == {"gpu": 1, "mem_mb": 6000, "runtime": 30}
    assert Cost(1).resources(gpu=True) == {"gpu": 0, "mem_mb": 1500, "runtime": 10}
