"""Costs of jobs against a whole default run that was measured: two CPU cores, AMD EPYC, 2026.

The rates were fitted to that run, so these tests hold the fit, not the forecast of another one.
"""

import csv
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from vaentk.config import Config, experiments, load
from vaentk.costs.cards import ANY, Load
from vaentk.costs.cost import Cost
from vaentk.costs.jobs import Job, cost_of, trainings
from vaentk.costs.rates import MB
from vaentk.costs.trainings import training
from vaentk.experiments.ntk.limit_kernels import LimitKernels

ROOT = Path(__file__).parents[3]
PAIRS = [(1, 2048), (1, 8192), (2, 4096), (2, 8192), (4, 8192), (4, 30720)]


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
    stage, kind, *rest = benchmark.split("/")
    if stage == "data" or kind == "data":
        return kind if stage == "data" else "data_facts", {}
    return f"{stage}_{kind}", dict(zip(("run", "part"), rest, strict=False))


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
    for job, seconds, _ in default_run():
        rules[job[0]][0] += cost_of(config, job).seconds
        rules[job[0]][1] += seconds
    ratios = {name: told / took for name, (told, took) in rules.items() if took >= 10}
    total = sum(told for told, _ in rules.values()) / sum(took for _, took in rules.values())
    print({name: round(ratio, 2) for name, ratio in ratios.items()}, round(total, 2))
    assert len(ratios) > 12
    assert all(0.5 < ratio < 2 for ratio in ratios.values()), ratios
    assert 0.8 < total < 1.25


def test_jobs_get_the_memory_and_the_time_that_they_took(config: Config) -> None:
    for job, seconds, memory in default_run():
        asked = cost_of(config, job).asks(gpu=False)
        assert asked["mem_mb"] * MB > 1.2 * memory, job
        assert asked["runtime"] * 60 > 3 * seconds, job
        assert asked["gpu"] == 0


def test_every_training_of_the_run_is_listed(config: Config) -> None:
    measured = [job for job, _, _ in default_run() if job[0].startswith("train_")]
    listed = list(trainings(config))
    assert all(job in listed for job in measured)
    assert ("measure_gradient_noise", {"run": "faces-16x16"}) in listed


@pytest.mark.parametrize("name", ["tiny", "paper"])
def test_every_job_of_other_configurations_has_a_cost(name: str) -> None:
    config = read(name)
    for job in trainings(config):
        cost = cost_of(config, job)
        assert 0 < cost.seconds < 1e8, job
        on_cpu = job[0] == "train_linear_vae"  # whose steps are too small for a GPU
        assert (cost.on_gpu is None) == on_cpu
        assert 100 * MB < cost.memory < 200_000 * MB, job
        assert cost.asks(gpu=True)["gpu"] == int(not on_cpu)
    for kind in experiments():
        for run in getattr(config.experiments, kind):
            assert 0 < cost_of(config, (f"measure_{kind}", {"run": run})).seconds < 1e8


def test_an_experiment_that_is_not_known_has_a_cost_too(config: Config) -> None:
    asked = training(LimitKernels(), 64, config).asks(gpu=False)
    assert asked == {"threads": 1, "gpu": 0, "mem_mb": 4000, "runtime": 30}


def test_wider_networks_more_seeds_and_more_steps_cost_more() -> None:
    paper = read("paper")
    run = {"run": "mnist-7x7"}
    costs = [cost_of(paper, ("train_weight_change", run | {"part": w})) for w in ("4096", "8192")]
    assert (costs[0].cores, costs[1].cores) == (1, 5)
    assert costs[1].seconds * costs[1].cores > 3 * costs[0].seconds
    assert costs[1].memory > 3 * costs[0].memory
    linear = "train_linear_vae", {"run": "gaussian", "part": "sgd"}
    assert cost_of(paper, linear).seconds > 10 * cost_of(read(), linear).seconds
    weighted = "measure_importance_weights", {"run": "gaussian"}  # eight times the repetitions
    assert cost_of(paper, weighted).seconds > 4 * cost_of(read(), weighted).seconds


@pytest.mark.parametrize(
    ("rule", "run", "part", "cores"),
    [
        ("train_ridge", "pca-16", "16384", 5),
        ("train_ridge", "pca-16", "4096", 1),
        ("train_discovery", "celeba", "10", 5),
        ("train_deep_vae", "celeba", "base", 3),
        ("train_linear_vae", "gaussian", "sgd", 1),
    ],
)
def test_cores_are_for_members_on_a_cpu_and_one_feeds_a_gpu(
    rule: str, run: str, part: str, cores: int
) -> None:
    job = rule, {"run": run, "part": part}
    paper = read("paper")
    assert cost_of(paper, job).asks(gpu=False)["threads"] == cores
    assert cost_of(paper, job).asks(gpu=True)["threads"] == 1


def test_a_new_attempt_gets_twice_as_much_and_a_gpu_its_drivers_memory() -> None:
    load = Load(steps=0, operations=580 * ANY.products["float32"])
    assert load.seconds(ANY) == 600
    cost = Cost(3600, load, memory=2000 * MB, cores=2)
    named = "threads", "gpu", "mem_mb", "runtime"
    assert cost.asks(gpu=False) == dict(zip(named, (2, 0, 3000, 180), strict=True))
    assert cost.asks(gpu=False, attempt=3) == dict(zip(named, (2, 0, 12_000, 720), strict=True))
    assert cost.asks(gpu=True) == dict(zip(named, (1, 1, 6000, 30), strict=True))
    small = Cost(1, memory=200 * MB)
    assert small.asks(gpu=True) == dict(zip(named, (1, 0, 1500, 10), strict=True))


@pytest.mark.parametrize(
    ("cores", "memory", "pair"),
    [
        (1, 500, (1, 2048)),
        (1, 9000, (4, 30720)),
        (3, 2000, (4, 8192)),
        (5, 9000, (4, 30720)),
        (5, 90_000, (4, 30720)),
    ],
)
def test_machines_that_come_in_pairs_give_the_least_that_is_enough(
    cores: int, memory: int, pair: tuple[int, int]
) -> None:
    asked = Cost(1, memory=memory * MB, cores=cores).asks(gpu=False, pairs=PAIRS)
    assert (asked["threads"], asked["mem_mb"]) == pair
