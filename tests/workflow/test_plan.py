"""`make plan` and the resources of rules, on Snakemake's own word of what would run."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from vaentk.config import experiments

Completed = subprocess.CompletedProcess[str]
ALL = ("data", "train", "measure", "show", "claims", "report")


def jobs_of(text: str) -> dict[str, int]:
    """Jobs by stage, and of the last row."""
    found = dict.fromkeys((*ALL, "all"), 0)
    for line in text.splitlines():
        stage, count = line[:9].strip(), line[29:35].strip().replace(",", "")
        if stage in found and count.isdigit():
            found[stage] += int(count)
    return found


def test_the_plan_counts_the_jobs_of_a_dry_run(
    fresh: Path,
    snakemake: Callable[..., Completed],
    plan: Callable[..., Completed],
) -> None:
    config = "config/paper.yaml"
    text = plan(fresh, "--configfile", config).stdout
    dry = snakemake(fresh, "--dry-run", configs=(config,)).stdout
    (total,) = {int(found) for found in re.findall(r"^total +(\d+)$", dry, flags=re.M)}
    found = jobs_of(text)
    assert found["all"] == total - 1  # the target is no work
    assert sum(found[stage] for stage in ALL) == found["all"]
    trained = {int(n) for n in re.findall(r"^train_deep_vae +(\d+)$", dry, flags=re.M)}
    assert trained == {int(re.search(r"^train +deep_vae +(\d+)", text, flags=re.M)[1])}
    assert max(map(len, text.splitlines())) <= 100
    assert not (fresh / "results").exists()


def test_a_finished_run_has_nothing_planned_and_a_lost_result_its_own_jobs(
    copy_of_finished: Path, plan: Callable[..., Completed]
) -> None:
    tiny = ("--configfile", "config/tiny.yaml")
    assert plan(copy_of_finished, *tiny).stdout.splitlines()[-1].startswith("Nothing to do")
    for lost in ("figures/linear_rate.svg", "report/index.html"):
        (copy_of_finished / "results" / lost).unlink()
    found = jobs_of(plan(copy_of_finished, *tiny).stdout)
    assert (found["show"], found["report"], found["train"]) == (1, 1, 0)


def test_other_resources_make_nothing_again(
    copy_of_finished: Path, snakemake: Callable[..., Completed]
) -> None:
    cost = copy_of_finished / "workflow/src/vaentk/costs/cost.py"
    cost.write_text(cost.read_text().replace("HEADROOM = 3", "HEADROOM = 7"))
    profile = copy_of_finished / "profiles/default/config.yaml"
    profile.write_text(profile.read_text().replace("gpu=2", "gpu=3"))
    assert "Nothing to be done" in snakemake(copy_of_finished, "--dry-run").stdout


def test_a_mistake_is_one_sentence(fresh: Path, plan: Callable[..., Completed]) -> None:
    result = plan(fresh, "--config", "dtype=int8")
    assert result.returncode == 1
    said = "configuration: dtype is \"int8\", but should be 'float32' or 'float64'\n"
    assert result.stderr.endswith(said)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("options", "jobs"), [((), "2"), (("--resources", "gpu=8"), "8")])
def test_jobs_are_told_how_many_of_them_share_the_gpus(
    fresh: Path, snakemake: Callable[..., Completed], options: tuple[str, ...], jobs: str
) -> None:
    """By the environment, which they inherit."""
    with (fresh / "Snakefile").open("a") as file:
        file.write('\nprint("at once:", os.environ["VAENTK_GPU_JOBS"], file=sys.stderr)\n')
    assert f"at once: {jobs}\n" in snakemake(fresh, "--dry-run", *options).stdout


@pytest.mark.parametrize(("device", "gpu"), [("cpu", "0"), ("cuda", "1")])
def test_jobs_that_compute_on_a_gpu_ask_for_it_and_others_do_not(
    fresh: Path, snakemake: Callable[..., Completed], device: str, gpu: str
) -> None:
    """And for one core on it; a login node plans for GPUs that it does not have."""
    dry = snakemake(fresh, "--dry-run", "--config", f"device={device}").stdout
    asked: dict[str, set[str]] = {}
    for rule, resources in re.findall(
        r"^rule (\w+):.*?^    resources: (.*?)$", dry, flags=re.M | re.S
    ):
        asked.setdefault(rule, set()).update(re.findall(r"gpu=(\d)", resources))
    trained = [rule for rule in asked if rule.startswith("train_")]
    assert len(trained) == sum(bool(experiment.jobs) for experiment in experiments().values())
    trained.remove("train_linear_vae")  # whose steps are too small for a GPU
    assert all(asked[rule] == {gpu} for rule in [*trained, "measure_gradient_noise"])
    assert asked["train_linear_vae"] == {"0"}
    assert asked["measure_ridge"] == asked["mnist"] == {"0"}
