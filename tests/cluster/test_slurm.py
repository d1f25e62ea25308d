"""The profile slurm on a real SLURM: trainings and measures as sbatch jobs, and what goes wrong."""

import hashlib
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO

import pytest
from slurm_node import MEMORY, Slurm, killed_after, stop
from trees import copy_sources, environment, run_snakemake

pytestmark = pytest.mark.cluster

LONGER = """
checkpoint_seconds: 0.2
experiments:
  weight_change:
    mnist-7x7: {widths: [16, 32], stepping: literal, steps: 131072}
"""
"""One training of some twenty seconds a width, with checkpoints all along."""

CONFIGS = ("config/tiny.yaml", "config/longer.yaml")
CANCELLED = "results/train/weight_change/mnist-7x7/16-32.parquet"

PROFILE = ("--workflow-profile", "slurm")
SOONER = ("--slurm-init-seconds-before-status-checks", "2")

TARGETS = ("show_weight_change", "show_linear_vae")
"""From images to figures, by jobs of three kinds; one loop writes the rules of all experiments."""


Record = Callable[[str, object], None]


def command(*arguments: str, configs: tuple[str, ...]) -> list[str]:
    """Command line of Snakemake with the profile, as the documentation gives it."""
    start = [sys.executable, "-m", "snakemake", *PROFILE, *SOONER]
    return killed_after(2400, *start, *arguments, "--configfile", *configs)


def start(tree: Path, log: IO[bytes], *arguments: str) -> "subprocess.Popen[bytes]":
    """Start Snakemake in a tree."""
    return subprocess.Popen(
        command(*arguments, configs=CONFIGS),
        cwd=tree,
        env=environment(tree),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def run(
    tree: Path, *arguments: str, configs: tuple[str, ...]
) -> "subprocess.CompletedProcess[str]":
    """Run Snakemake in a tree to its end."""
    return subprocess.run(
        command(*arguments, configs=configs),
        cwd=tree,
        env=environment(tree),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def jobs_of(slurm: Slurm, comment: str) -> list[str]:
    """Numbers of the jobs whose comment, a rule and its wildcards, begins so, oldest first."""
    return [job["JobId"] for job in slurm.jobs() if job["Comment"].startswith(comment)]


def seconds(job: dict[str, str]) -> float:
    """How long SLURM had a job running."""
    started, ended = (datetime.fromisoformat(job[key]) for key in ("StartTime", "EndTime"))
    return (ended - started).total_seconds()


def checksums(tree: Path, stem: str) -> dict[str, str]:
    """Checksum of every file of a result, by its name."""
    files = sorted((tree / stem).parent.glob(f"{Path(stem).name}*"))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.is_file()}


def test_two_experiments_end_in_figures_whatever_happens_on_the_way(
    slurm: Slurm, fresh: Path, tmp_path: Path, record_property: Record
) -> None:
    """A training is cancelled, the controller is restarted, a job wants the GPU."""
    (fresh / "config/longer.yaml").write_text(LONGER)
    begun = time.monotonic()
    output = tmp_path / "output.txt"
    options = ["--set-resources", "train_linear_vae:gpu=1", "--cores", "2"]
    with output.open("wb") as log:
        snakemake = start(fresh, log, *TARGETS, *options)
        try:
            interfere(slurm, fresh, snakemake)
            snakemake.wait(2400)
        finally:
            stop(snakemake)
    text, took = output.read_text(), time.monotonic() - begun
    assert snakemake.returncode == 0, text[-8000:]
    for target in TARGETS:
        assert (fresh / f"results/figures/{target.removeprefix('show_')}.svg").is_file()
    assert slurm.queue() == ""

    # What is not local went through sbatch, and SLURM's own log says how each job ended.
    sent = re.findall(r"^ *rule (\w+):", text, re.M)
    assert {name.partition("_")[0] for name in sent} == {"train", "measure"}
    local = set(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", text, re.M)) - set(sent)
    assert not any(name.startswith(("train_", "measure_")) for name in local)
    numbers = re.findall(r"submitted with SLURM jobid (\d+)", text)
    ended = slurm.completed()
    states = Counter(ended[number] for number in numbers)
    assert states["CANCELLED"] == 1
    assert ended[numbers[-1]] == "COMPLETED"
    jobs = {job["JobId"]: job for job in slurm.jobs()}

    gpu = [jobs[number] for number in numbers if "train_linear_vae" in jobs[number]["Comment"]]
    assert len(gpu) == 2
    assert all(job["TresPerJob"] == "gres:gpu:1" for job in gpu)

    log_text = (fresh / "results/logs/train/weight_change/mnist-7x7/16-32.log").read_text()
    assert re.search(r"resuming .+ after step [1-9]", log_text)
    alone = [j for j in jobs.values() if "rule_measure_linear_vae" in j["Comment"]]
    took_file = fresh / "results/benchmarks/measure/linear_vae/gaussian.json"
    timed = json.loads(took_file.read_text())["seconds"]
    record_property("two experiments across SLURM jobs, s", round(took))
    record_property("of SLURM's jobs so many each", dict(states))
    record_property("a SLURM job of measure_linear_vae, s", round(seconds(alone[-1])))
    record_property("of which its script, s", round(timed))

    here = copy_sources(tmp_path / "here")
    (here / "config/longer.yaml").write_text(LONGER)
    alike = run_snakemake(here, CANCELLED, configs=CONFIGS)
    assert alike.returncode == 0, alike.stdout[-8000:]
    stem = CANCELLED.removesuffix(".parquet")
    assert checksums(fresh, stem) == checksums(here, stem)


def interfere(slurm: Slurm, tree: Path, snakemake: "subprocess.Popen[bytes]") -> None:
    """Cancel a training once it has a checkpoint; when it is submitted again, restart slurmctld."""
    comment = "rule_train_weight_change_wildcards_mnist-7x7_16-32"
    checkpoints = (tree / CANCELLED).with_suffix(".checkpoint")

    def checkpointed() -> bool:
        assert snakemake.poll() is None, "Snakemake ended early"
        return any(checkpoints.glob("32-base/*.safetensors"))

    slurm.wait_for(checkpointed, "a checkpoint", 400)
    first = jobs_of(slurm, comment)
    slurm.ask("scancel", first[-1])
    slurm.wait_for(lambda: len(jobs_of(slurm, comment)) > len(first), "a second attempt", 400)
    slurm.stop_controller()
    # Commands of SLURM meanwhile wait for it, up to nine seconds.
    time.sleep(4)
    slurm.start_controller()


def test_a_job_that_no_node_can_hold_ends_the_run_with_the_reason(
    slurm: Slurm, fresh: Path, record_property: Record
) -> None:
    asked = f"train_ridge:mem_mb={2 * MEMORY}"
    target = "results/train/ridge/pca-16/32-64.parquet"
    begun = time.monotonic()
    result = run(fresh, target, "--set-resources", asked, configs=CONFIGS[:1])
    record_property("a job too large for SLURM's node ends, s", round(time.monotonic() - begun))
    assert result.returncode not in (0, -9, 137)
    assert "Memory specification can not be satisfied" in result.stdout
    assert slurm.queue() == ""


def test_a_job_that_fails_again_and_again_ends_the_run_with_its_own_sentence(
    slurm: Slurm, fresh: Path, record_property: Record
) -> None:
    (fresh / "config/mine.yaml").write_text(
        "experiments: {weight_change: {mnist-7x7: "
        "{stepping: literal, reduction: sum, learning_rate: 5.0, steps: 64}}}"
    )
    before = len(slurm.jobs())
    target = "results/train/weight_change/mnist-7x7/16-32.parquet"
    configs = ("config/tiny.yaml", "config/mine.yaml")
    begun = time.monotonic()
    result = run(fresh, target, "--retries", "1", configs=configs)
    record_property("a SLURM job that fails twice ends, s", round(time.monotonic() - begun))
    assert result.returncode not in (0, -9, 137)
    assert "is above the stability limit" in result.stdout
    jobs = slurm.jobs()[before:]
    assert [job["JobState"] for job in jobs] == ["FAILED", "FAILED"]
    assert list((fresh / "results/logs/slurm").rglob(f"{jobs[-1]['JobId']}.log"))
    assert slurm.queue() == ""
