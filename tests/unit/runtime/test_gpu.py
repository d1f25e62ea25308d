"""Which GPU a job takes on a machine with several: one that no other job has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaentk.runtime import gpu

CLAIM = """
import sys
from vaentk.runtime.gpu import VISIBLE, claim_gpu
import os
claim_gpu(int(sys.argv[1]))
print(os.environ.get(VISIBLE, "all"), flush=True)
sys.stdin.read()
"""


def job(folder: Path, count: int, **environment: str) -> "subprocess.Popen[str]":
    """A process that has claimed a GPU, until its input ends."""
    given = {key: value for key, value in os.environ.items() if key != gpu.VISIBLE}
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=given | {"TMPDIR": str(folder)} | environment,
    )


def claimed(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_every_job_has_a_gpu_of_its_own_until_it_ends(tmp_path: Path) -> None:
    first = job(tmp_path, 2)
    assert claimed(first) == "0"
    second = job(tmp_path, 2)
    assert claimed(second) == "1"
    third = job(tmp_path, 2)
    assert claimed(third) == "0", "all are taken: the first is shared"
    first.kill()
    first.communicate()
    fourth = job(tmp_path, 2)
    assert claimed(fourth) == "0"
    for process in (second, third, fourth):
        process.communicate()


@pytest.mark.parametrize(
    ("count", "visible", "taken"), [(1, None, "all"), (8, "5", "5"), (8, "3,6", "3"), (0, "", "")]
)
def test_what_somebody_else_has_chosen_stays(
    count: int, visible: str | None, taken: str, tmp_path: Path
) -> None:
    process = job(tmp_path, count, **({} if visible is None else {gpu.VISIBLE: visible}))
    assert claimed(process) == taken
    process.communicate()
