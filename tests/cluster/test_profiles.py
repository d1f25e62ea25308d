"""Profiles of clusters and clouds: read by Snakemake, planned without the service or a network."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bucket
import pytest
import yaml
from snakemake.cli import get_argument_parser
from snakemake_executor_plugin_aws_batch.constant import VALID_RESOURCES_MAPPING
from trees import ROOT, SOURCES, environment, run_snakemake

from vaentk.data.sets import SETS

PROFILES = ("slurm", "kubernetes", "aws-batch")
CLOUDS = PROFILES[1:]
ASKED = {"VAENTK_IMAGE": "vaentk:test", "VAENTK_STORAGE": "s3://bucket/run", "AWS_REGION": "here"}
"""What the profiles have the user export."""

REQUIRED = {f"SNAKEMAKE_AWS_BATCH_JOB_{name}": "arn:of:nothing" for name in ("QUEUE", "ROLE")}


def profile(name: str) -> dict[str, Any]:
    """Read a profile."""
    text = (ROOT / f"profiles/{name}/config.yaml").read_text()
    return dict(yaml.safe_load(text))


@pytest.fixture
def storage() -> Iterator[bucket.Storage]:
    """An empty bucket on this machine, where a cloud's files would be."""
    with bucket.running() as storage:
        yield storage


@pytest.mark.parametrize("name", PROFILES)
def test_every_key_is_an_option_of_snakemake(name: str) -> None:
    options = {
        option.removeprefix("--")
        for action in get_argument_parser()._actions
        for option in action.option_strings
    }
    assert set(profile(name)) <= options


@pytest.mark.parametrize("name", PROFILES)
def test_the_whole_workflow_is_planned(name: str, storage: bucket.Storage, tmp_path: Path) -> None:
    """In a folder without results; for clouds with an empty bucket in the place of theirs."""
    options = storage.options if name in CLOUDS else []
    command = [sys.executable, "-m", "snakemake", *options, "--dry-run", "--cores", "64"]
    command += ["--workflow-profile", name, "--config", "device=cuda"]
    command += ["--configfile", "config/tiny.yaml"]
    planned = subprocess.run(
        command,
        cwd=linked_sources(tmp_path),
        env=environment(ROOT) | ASKED | REQUIRED,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert planned.returncode == 0, planned.stdout[-4000:]
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", planned.stdout, re.M))
    assert jobs["report"] == "1"
    assert int(jobs["total"]) > 60
    assert not storage.objects, "a dry run stores nothing"
    sent = requests(planned.stdout)
    assert {name for name in jobs if name.startswith(("train_", "measure_"))} <= {
        job["rule"] for job in sent
    }
    if name == "aws-batch":
        assert_pairs(sent)
        assert any(job["_gpus"] == "1" for job in sent)


def test_aws_batch_has_a_pair_for_every_job_at_the_papers_scale(tmp_path: Path) -> None:
    """By the profile's mark alone, which needs no bucket; with seeds side by side on CPUs."""
    mark = [f"{key}={value}" for key, value in profile("aws-batch")["default-resources"].items()]
    options = ["--dry-run", "--cores", "64", "--config", "device=cpu", "--default-resources"]
    planned = run_snakemake(
        linked_sources(tmp_path), *options, *mark, configs=("config/paper.yaml",)
    )
    assert planned.returncode == 0, planned.stdout[-4000:]
    sent = requests(planned.stdout)
    assert_pairs(sent)
    assert len({job["threads"] for job in sent}) > 2


def assert_pairs(sent: list[dict[str, str]]) -> None:
    """Cores and memory are those that the plugin takes, and a GPU goes by its name too."""
    for job in sent:
        assert int(job["threads"]) in VALID_RESOURCES_MAPPING[int(job["mem_mb"])], job
        assert job["_gpus"] == job["gpu"], job


def requests(text: str) -> list[dict[str, str]]:
    """What jobs of a dry run ask for; figures, tables, claims and the report ask for nothing."""
    sent = []
    for rule, said in re.findall(r"^rule (\w+):\n((?: {4}.*\n)+)", text, re.M):
        threads = re.search(r"^ {4}threads: (\d+)$", said, re.M)
        listed = re.search(r"^ {4}resources: (.+)$", said, re.M)
        asked = dict(re.findall(r"(\w+)=([^,\s]+)", listed[1] if listed else ""))
        if "gpu" in asked:
            sent.append({"rule": rule, "threads": threads[1] if threads else "1"} | asked)
    return sent


def test_what_lies_in_a_bucket_becomes_a_report_that_names_it_as_anywhere(
    storage: bucket.Storage, tmp_path: Path
) -> None:
    """The storage of the clouds' profiles, jobs on this machine: one experiment of tiny."""
    tree = linked_sources(tmp_path)
    tiny = yaml.safe_load((ROOT / "config/tiny.yaml").read_text())
    left_out = {name: dict.fromkeys(runs) for name, runs in tiny["experiments"].items()}
    del left_out["limit_kernels"]
    (tree / "small.yaml").write_text(
        yaml.safe_dump({"data": dict.fromkeys(SETS), "experiments": left_out})
    )
    shared = profile("kubernetes")
    kept = ["--default-storage-provider", shared["default-storage-provider"]]
    kept += ["--default-storage-prefix", ASKED["VAENTK_STORAGE"], *storage.options]
    done = run_snakemake(tree, *kept, configs=("config/tiny.yaml", "small.yaml"))
    assert done.returncode == 0, done.stdout[-4000:]
    page = storage.objects["run/results/report/index.html"].decode()
    assert "results/measure/limit_kernels/mnist-28x28/eigenvalues.csv" in page
    assert ".snakemake/" not in page
    sidecar = json.loads(storage.objects["run/results/claims/claims.csv.json"])
    assert {
        "results/measure/limit_kernels/mnist-28x28/eigenvalues.csv",
        "config/claims.yaml",
    } <= set(sidecar["inputs"])


def linked_sources(folder: Path) -> Path:
    """Link what the workflow is made of into a folder."""
    for name in SOURCES:
        (folder / name).symlink_to(ROOT / name)
    return folder
