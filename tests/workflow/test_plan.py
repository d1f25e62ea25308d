"""`make plan` and the resources of rules, on Snakemake's own word of what would run."""

import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

Completed = subprocess.CompletedProcess[str]
ROOT = Path(__file__).parents[2]
ALL = ("data", "train", "measure", "figure", "tables", "claims", "report")


def jobs_of(text: str) -> dict[str, int]:
    """Jobs by stage, and of the last row."""
    found = dict.fromkeys((*ALL, "all"), 0)
    for line in text.splitlines():
        stage, count = line[:9].strip(), line[27:33].strip().replace(",", "")
        if stage in found and count.isdigit():
            found[stage] += int(count)
    return found


@pytest.mark.parametrize("name", ["tiny", "paper"])
def test_the_plan_counts_the_jobs_of_a_dry_run(
    fresh: Path,
    snakemake: Callable[..., Completed],
    plan: Callable[..., Completed],
    name: str,
) -> None:
    config = f"config/{name}.yaml"
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
    assert plan(copy_of_finished, *tiny).stdout.startswith("Nothing to do")
    for lost in ("figures/linear_rate.svg", "report/index.html"):
        (copy_of_finished / "results" / lost).unlink()
    found = jobs_of(plan(copy_of_finished, *tiny).stdout)
    assert (found["figure"], found["report"], found["train"]) == (1, 1, 0)


def test_other_resources_make_nothing_again(
    copy_of_finished: Path, snakemake: Callable[..., Completed]
) -> None:
    work = copy_of_finished / "workflow/src/vaentk/costs/work.py"
    work.write_text(work.read_text().replace("LEAST_MB: Final = 1500", "LEAST_MB: Final = 7500"))
    profile = copy_of_finished / "workflow/profiles/default/config.yaml"
    profile.write_text(profile.read_text().replace("gpu=1", "gpu=2"))
    assert "Nothing to be done" in snakemake(copy_of_finished, "--dry-run").stdout


def test_a_mistake_is_one_sentence(fresh: Path, plan: Callable[..., Completed]) -> None:
    result = plan(fresh, "--config", "dtype=int8")
    assert result.returncode == 1
    said = "configuration: dtype is \"int8\", but should be 'float32' or 'float64'\n"
    assert result.stderr == said


def test_rules_ask_for_resources_by_their_own_names() -> None:
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for part in re.split(r"^(?=rule \w+:)", path.read_text(), flags=re.M)[1:]:
            name = re.match(r"rule (\w+):", part)[1]
            asked = re.findall(r'(?:needs|cores)\("(\w+)"\)', part)
            assert set(asked) <= {name}, name
            if path.stem in ("data", "train", "measure"):
                assert "resources:\n        **needs(" in part, f"rule {name} asks for no resources"
            if "device=CONFIG.device" in part:
                assert "deterministic=CONFIG.deterministic" in part, name


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
    assert len(trained) == 8
    assert all(asked[rule] == {gpu} for rule in [*trained, "measure_gradient_noise"])
    assert asked["measure_ridge"] == asked["inputs"] == {"0"}


ONE_AT_A_TIME = """
rule all:
    input: expand("{job}", job=["gpu1", "gpu2", "gpu3", "cpu1", "cpu2"])
rule on_gpu:
    output: "gpu{n}"
    resources: gpu=1
    shell: "date +%s.%N > {output}; sleep 1.5; date +%s.%N >> {output}"
rule beside:
    output: "cpu{n}"
    resources: gpu=0
    shell: "date +%s.%N > {output}; sleep 1.5; date +%s.%N >> {output}"
"""


@pytest.mark.parametrize("name", ["default", "gpu"])
def test_a_gpu_has_one_job_at_a_time_and_others_run_beside_it(tmp_path: Path, name: str) -> None:
    """Five cores, and three jobs that wait for the one GPU."""
    (tmp_path / "Snakefile").write_text(ONE_AT_A_TIME)
    profile = ROOT / "workflow/profiles" / name
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", str(profile)]
    result = subprocess.run(
        [*command, "--cores", "5"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    times = {
        path.name: tuple(map(float, path.read_text().split())) for path in tmp_path.glob("?pu?")
    }
    on_gpu = sorted(times[f"gpu{n}"] for n in (1, 2, 3))
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(on_gpu))
    assert all(times[f"cpu{n}"][0] < on_gpu[1][0] for n in (1, 2))
