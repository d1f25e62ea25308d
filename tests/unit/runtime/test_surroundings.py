"""What a shell, a machine or a folder brings along is set aside or refused, in one sentence."""

import json
import os
import platform
import subprocess
from pathlib import Path

import psutil
import pytest

from vaentk.errors import UserError
from vaentk.runtime import surroundings
from vaentk.runtime.surroundings import LOCKS, RUN, refuse, remember_run, was_killed

PYTHON = Path("/usr/bin/python3")


def test_variables_of_other_programs_are_set_aside() -> None:
    environment = {"MPLBACKEND": "module://inline", "MATPLOTLIBRC": "/mine", "HOME": "/home/me"}
    surroundings.set_aside(environment)
    assert environment == {"HOME": "/home/me"}


def test_what_is_well_is_not_refused(tmp_path: Path) -> None:
    for name in ("results/tables", "config"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "results/snakemake-report.zip").touch()
    (tmp_path / "config/config.yaml").touch()
    arguments = ["snakemake", "--configfile", "a.yaml", "b.yaml"]
    refuse(tmp_path, PYTHON, arguments, [tmp_path / "config/config.yaml"])


@pytest.mark.parametrize("name", ["my clone", "{braces}", "it's", "a$b", "tab\there"])
def test_a_path_that_no_shell_takes_is_refused(name: str) -> None:
    for root, python in ((Path("/x") / name, PYTHON), (Path("/x"), Path("/x") / name / "python")):
        with pytest.raises(UserError, match="which Snakemake does not quote: move the folder"):
            refuse(root, python, [], [])


def test_a_second_configfile_option_is_refused(tmp_path: Path) -> None:
    arguments = ["snakemake", "--configfile", "a.yaml", "--configfile", "b.yaml"]
    with pytest.raises(UserError, match="name all files after one --configfile"):
        refuse(tmp_path, PYTHON, arguments, [])


@pytest.mark.parametrize("name", ["results", "results/tables", "results/train"])
def test_a_file_where_results_have_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(UserError, match=f"{name} is a file where results have a folder: move"):
        refuse(tmp_path, PYTHON, [], [])


def test_a_source_of_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.touch()
    now = path.stat().st_mtime
    os.utime(path, (now, now + 7200))
    with pytest.raises(UserError, match=r"claims\.yaml is dated 2\.0 hours in the future"):
        refuse(tmp_path, PYTHON, [], [path])


def test_a_live_run_is_not_taken_for_a_killed_one(tmp_path: Path) -> None:
    assert not was_killed(tmp_path), "nothing is locked"
    remember_run(tmp_path)
    (tmp_path / LOCKS).mkdir(parents=True)
    (tmp_path / LOCKS / "0.input.lock").touch()
    assert not was_killed(tmp_path)


@pytest.mark.parametrize(
    ("change", "killed"),
    [
        ({"since": 0.0}, True),  # another process has its number
        ({"pid": 2**22 + 1}, True),
        ({"host": "elsewhere", "pid": 2**22 + 1}, False),
        ({"pid": "none"}, False),
    ],
)
def test_a_killed_run_of_this_machine_is_noticed(
    tmp_path: Path, change: dict, killed: bool
) -> None:
    own = {"host": platform.node(), "pid": os.getpid(), "since": psutil.Process().create_time()}
    (tmp_path / LOCKS).mkdir(parents=True)
    (tmp_path / LOCKS / "0.input.lock").touch()
    (tmp_path / RUN).write_text(json.dumps(own | change))
    assert was_killed(tmp_path) == killed


@pytest.mark.parametrize("content", ["", "[]", "{", '{"host": 1}'])
def test_a_damaged_note_is_no_killed_run(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCKS).mkdir(parents=True)
    (tmp_path / LOCKS / "0.input.lock").touch()
    (tmp_path / RUN).write_text(content)
    assert not was_killed(tmp_path)


@pytest.mark.parametrize(
    ("quota", "printed"), [("max 100000", None), ("150000 100000", "2"), ("50000 100000", "1")]
)
def test_cores_are_those_of_the_quota(tmp_path: Path, quota: str, printed: str | None) -> None:
    script = (Path(__file__).parents[3] / "envs/cores.sh").read_text()
    (tmp_path / "cpu.max").write_text(quota + "\n")
    script = script.replace("/sys/fs/cgroup/cpu.max", str(tmp_path / "cpu.max"))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    seen = str(len(os.sched_getaffinity(0)))
    assert done.stdout.strip() == (seen if printed is None else min(printed, seen, key=int))
