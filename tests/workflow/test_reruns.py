"""Which jobs a change makes run again; that repeated and resumed runs end with the same bytes."""

import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

UNSTABLE = ("logs", "benchmarks")
"""Folders that hold times; everything else is the same bytes in every run on a CPU."""

RUN_TIMES = re.compile(r'<section[^>]*id="run-times".*?</section>', re.S)
"""The one part of the report that holds times and hardware."""

TRAINED = "results/train/weight_change/mnist-7x7/32.parquet"

LONG = """
checkpoint_seconds: 0.2
experiments:
  weight_change:
    mnist-7x7:
      steps: 65536
"""
"""Some ten seconds of training with checkpoints all along."""


def results(tree: Path) -> dict[str, bytes]:
    """Bytes of every stable result by its path; the report without its run times."""
    found = {}
    for path in sorted((tree / "results").rglob("*")):
        relative = path.relative_to(tree / "results")
        if path.is_dir() or relative.parts[0] in UNSTABLE:
            continue
        content = path.read_bytes()
        if path.suffix == ".html":
            content = RUN_TIMES.sub("", content.decode()).encode()
        found[str(relative)] = content
    return found


def changed_rules(output: str) -> set[str]:
    """Rules that a dry run would execute because their own parameters changed, say their digest.

    A rule whose input is made anew is named by that alone, whether or not its digest changed.
    """
    jobs = re.split(r"^(?:local)?rule ", output, flags=re.M)[1:]
    return {
        job.partition(":")[0]
        for job in jobs
        if re.search(r"reason: .*(?:Params|Code) ha(?:s|ve) changed", job)
    }


def edit(path: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_second_run_finds_nothing_to_do_and_says_so(finished: Path, snakemake: Callable) -> None:
    again = snakemake(finished)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout


LIBRARY_EDITS = {
    "the trainer": (
        "training/descent.py",
        "state.step += 1",
        "state.step += 1 + 0",
        {"train_linear_rate", "train_weight_change"},
    ),
    "one measure": (
        "analysis/weight_change.py",
        "kept[-1] / outputs",
        "kept[-1] / outputs * 1",
        {"measure_weight_change"},
    ),
    "the look of figures": (
        "figures/style.py",
        "(3.3, 2.9)",
        "(3.3, 3.0)",
        {
            "figure_limit_kernels",
            "figure_linear_rate",
            "figure_weight_change",
            "figure_weight_change_slopes",
        },
    ),
    "a kernel": (
        "kernels/flow.py",
        "vectors.T @ residual",
        "vectors.T @ residual * 1",
        {"measure_linear_rate"},
    ),
    "a limit kernel": (
        "kernels/limit.py",
        "rho = x @ other.T",
        "rho = 1 * x @ other.T",
        {"train_linear_rate", "measure_limit_kernels"},  # measure_linear_rate follows its input
    ),
}


@pytest.mark.parametrize("what", LIBRARY_EDITS)
def test_editing_a_function_reruns_exactly_the_rules_that_reach_it(
    what: str, copy_of_finished: Path, snakemake: Callable
) -> None:
    module, old, new, expected = LIBRARY_EDITS[what]
    edit(copy_of_finished / "workflow/src/vaentk" / module, old, new)
    planned = snakemake(copy_of_finished, "--dry-run")
    assert planned.returncode == 0, planned.stdout
    assert changed_rules(planned.stdout) == expected


def test_editing_comments_and_docstrings_reruns_nothing(
    copy_of_finished: Path, snakemake: Callable
) -> None:
    package = copy_of_finished / "workflow/src/vaentk"
    edit(package / "training/descent.py", '"""Run gradient', '"""Really run gradient')
    edit(package / "models/mlp_vae.py", "root = sqrt", "# a comment\n        root = sqrt")
    planned = snakemake(copy_of_finished, "--dry-run")
    assert "Nothing to be done" in planned.stdout, planned.stdout


def test_changing_one_setting_retrains_its_run_only(
    copy_of_finished: Path, snakemake: Callable
) -> None:
    edit(copy_of_finished / "config/tiny.yaml", "steps: 2048", "steps: 4096")
    planned = snakemake(copy_of_finished, "--dry-run")
    assert "train_weight_change" in changed_rules(planned.stdout)
    assert "rule measure_weight_change" in planned.stdout
    assert "rule train_linear_rate" not in planned.stdout


def test_two_runs_are_byte_equal_whatever_the_cores(
    finished: Path, fresh: Path, snakemake: Callable
) -> None:
    assert snakemake(fresh, "--cores", "1").returncode == 0
    first, second = results(finished), results(fresh)
    assert first.keys() == second.keys()
    assert len(first) > 40
    assert [name for name in first if first[name] != second[name]] == []


def test_a_killed_run_resumes_and_ends_with_the_same_bytes(
    finished: Path, tmp_path: Path, snakemake: Callable, start_snakemake: Callable
) -> None:
    trees = []
    for name in ("killed", "whole"):
        tree = tmp_path / name
        shutil.copytree(finished, tree, symlinks=True)
        (tree / "config/long.yaml").write_text(LONG)
        trees.append(tree)
    killed, whole = trees
    configs = ("config/tiny.yaml", "config/long.yaml")
    process = start_snakemake(killed, TRAINED, configs=configs)
    checkpoint = (killed / TRAINED).with_suffix(".checkpoint") / "seeds-0.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists():
        assert process.poll() is None, "the run ended without a checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / (TRAINED + ".json")).exists(), "the run was not killed in the middle"
    assert snakemake(killed, "--unlock", configs=configs).returncode == 0
    resumed = snakemake(killed, TRAINED, configs=configs)
    assert resumed.returncode == 0, resumed.stdout
    log = (killed / "results/logs/train/weight_change/mnist-7x7/32.log").read_text()
    assert re.search(r"resuming after step [1-9]", log)
    assert not checkpoint.parent.exists(), "checkpoints go when the result is saved"
    assert snakemake(whole, TRAINED, configs=configs).returncode == 0
    assert results(killed) == results(whole)
