"""The profile that Snakemake reads by itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from snakemake.cli import parse_args
from trees import ROOT, copy_sources

KILLED = """
rule all:
    output: "made"
    log: "said"
    shell: "echo half > {output}; [ -e again ] || sleep 60; echo why > {log}; false"
"""

TWO_AT_A_TIME = """
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


def limits(*options: str) -> tuple[bool, bool, str, dict[str, int]]:
    """What of the default profile Snakemake has read, in the folder that it is started in."""
    _, args = parse_args(["--cores", "1", *options])
    gpus = {name: limit.value for name, limit in args.resources.items()}
    return args.rerun_incomplete, args.show_failed_logs, args.scheduler, gpus


def test_the_default_profile_is_read_and_a_command_line_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In what a clone is, and what the container's image is: the tree of the sources."""
    monkeypatch.chdir(copy_sources(tmp_path / "tree"))
    assert limits() == (True, True, "greedy", {"gpu": 2})
    assert limits("--configfile", "config/tiny.yaml") == limits()
    assert limits("--resources", "gpu=1") == (True, True, "greedy", {"gpu": 1})
    assert limits("--workflow-profile", "none") == (False, False, "ilp", {})
    assert limits("--workflow-profile", "slurm")[3] == {}


def test_the_image_is_given_the_profiles() -> None:
    assert "!profiles" in (ROOT / ".dockerignore").read_text().split()


def test_a_gpu_has_two_jobs_at_a_time_and_others_run_beside_them(tmp_path: Path) -> None:
    """Five cores, and three jobs that a GPU is asked for."""
    (tmp_path / "Snakefile").write_text(TWO_AT_A_TIME)
    (tmp_path / "profiles").symlink_to(ROOT / "profiles")
    command = [sys.executable, "-m", "snakemake", "--cores", "5"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    times = {
        path.name: tuple(map(float, path.read_text().split())) for path in tmp_path.glob("?pu?")
    }
    on_gpu = sorted(times[f"gpu{n}"] for n in (1, 2, 3))
    assert on_gpu[1][0] < on_gpu[0][1], "two at once"
    assert on_gpu[2][0] >= on_gpu[0][1], "the third after one of them"
    assert all(times[f"cpu{n}"][0] < on_gpu[2][0] for n in (1, 2))


def test_a_killed_job_is_made_again_and_a_failed_one_says_why(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(KILLED)
    (tmp_path / "profiles").symlink_to(ROOT / "profiles")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--nolock"]
    killed = subprocess.Popen(
        command, cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL
    )
    wait_for(tmp_path / "made")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    (tmp_path / "again").touch()

    def run(*options: str) -> tuple[int, str]:
        done = subprocess.run(
            [*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stderr

    code, said = run("--workflow-profile", "none")
    assert code != 0
    assert "incomplete" in said
    code, said = run()
    assert code != 0
    assert "why" in said.splitlines()


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
