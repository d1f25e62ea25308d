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
from trees import ROOT, environment, run_snakemake

from vaentk.data.sets import SETS

PROFILES = ("slurm", "kubernetes", "aws-batch")
CLOUDS = PROFILES[1:]
ASKED = {"VAENTK_IMAGE": "vaentk:test", "VAENTK_STORAGE": "s3://bucket/run", "AWS_REGION": "here"}
"""What the profiles have the user export."""

REQUIRED = {f"SNAKEMAKE_AWS_BATCH_JOB_{name}": "arn:of:nothing" for name in ("QUEUE", "ROLE")}


def profile(name: str) -> dict[str, Any]:
    """Read a profile."""
    text = (ROOT / f"workflow/profiles/{name}/config.yaml").read_text()
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


@pytest.mark.parametrize("configuration", ["tiny", "paper"])
@pytest.mark.parametrize("name", PROFILES)
def test_the_whole_workflow_is_planned(
    name: str, configuration: str, storage: bucket.Storage, tmp_path: Path
) -> None:
    """In a folder without results; for clouds with an empty bucket in the place of theirs."""
    options = storage.options if name in CLOUDS else []
    command = [sys.executable, "-m", "snakemake", *options, "--dry-run", "--quiet", "rules"]
    command += ["--workflow-profile", f"workflow/profiles/{name}"]
    command += ["--configfile", f"config/{configuration}.yaml"]
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
    assert int(jobs["total"]) > 100
    assert not storage.objects, "a dry run stores nothing"


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
    for name in ("Snakefile", "workflow", "config", "envs"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_aws_batch_is_asked_for_pairs_of_cores_and_memory_that_it_has() -> None:
    settings = profile("aws-batch")
    cores = settings["set-threads"]
    memory = {rule: asked["mem_mb"] for rule, asked in settings["set-resources"].items()}
    assert cores.keys() == memory.keys()
    for rule in cores:
        assert cores[rule] in VALID_RESOURCES_MAPPING[memory[rule]], rule


def test_aws_batch_has_a_pair_for_every_rule_that_is_sent() -> None:
    sent: set[str] = set()
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        text = path.read_text()
        rules = dict(re.findall(r"^rule (\w+):\n(.*?)(?=\n\n\n|\Z)", text, re.M | re.S))
        listed = re.search(r"^localrules:\n((?:    \w+,\n)+)", text, re.M)
        local = set(re.findall(r"\w+", listed[1])) if listed else set()
        # Without a shared folder, a rule that reads a file of this clone is local too.
        sent |= {name for name, body in rules.items() if "local(" not in body} - local
    assert sent == set(profile("aws-batch")["set-threads"])
