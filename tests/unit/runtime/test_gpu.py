"""Which GPU a job takes on a machine with several, and which fraction of its memory."""

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
fraction = claim_gpu(int(sys.argv[1]))
print(os.environ.get(VISIBLE, "all"), fraction, flush=True)
sys.stdin.read()
"""


def job(folder: Path, count: int, **environment: str) -> "subprocess.Popen[str]":
    """A process that has claimed a GPU, until its input ends."""
    ours = (gpu.VISIBLE, gpu.AT_ONCE)
    given = {key: value for key, value in os.environ.items() if key not in ours}
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=given | {"TMPDIR": str(folder)} | environment,
    )


def claimed(process: "subprocess.Popen[str]") -> tuple[str, float]:
    assert process.stdout is not None
    device, _, fraction = process.stdout.readline().rpartition(" ")
    return device, float(fraction)


def test_every_job_has_a_gpu_of_its_own_until_it_ends(tmp_path: Path) -> None:
    first = job(tmp_path, 2)
    assert claimed(first) == ("0", 1.0)
    second = job(tmp_path, 2)
    assert claimed(second) == ("1", 1.0)
    third = job(tmp_path, 2)
    assert claimed(third) == ("0", 1.0), "all are taken: the first is shared"
    first.kill()
    first.communicate()
    fourth = job(tmp_path, 2)
    assert claimed(fourth) == ("0", 1.0)
    for process in (second, third, fourth):
        process.communicate()


def test_more_jobs_than_gpus_share_them_evenly(tmp_path: Path) -> None:
    """Of three GPUs and four jobs at once each may have two, and none more than half its memory."""
    at_once = {gpu.AT_ONCE: "4"}
    jobs = []
    for device in "0120":
        jobs.append(job(tmp_path, 3, **at_once))
        assert claimed(jobs[-1]) == (device, 0.5)
    jobs[1].kill()
    jobs[1].communicate()
    jobs.append(job(tmp_path, 3, **at_once))
    assert claimed(jobs[-1]) == ("1", 0.5), "the place that is free again"
    for process in jobs:
        if process.poll() is None:
            process.communicate()


@pytest.mark.parametrize(("count", "at_once", "fraction"), [(1, "2", 0.5), (1, "1", 1.0)])
def test_one_gpu_is_shared_by_the_jobs_at_once(
    count: int, at_once: str, fraction: float, tmp_path: Path
) -> None:
    process = job(tmp_path, count, **{gpu.AT_ONCE: at_once})
    assert claimed(process) == ("all", fraction)
    process.communicate()


@pytest.mark.parametrize(
    ("count", "visible", "taken"), [(1, None, "all"), (8, "5", "5"), (8, "3,6", "3"), (0, "", "")]
)
def test_what_somebody_else_has_chosen_stays(
    count: int, visible: str | None, taken: str, tmp_path: Path
) -> None:
    process = job(tmp_path, count, **({} if visible is None else {gpu.VISIBLE: visible}))
    assert claimed(process) == (taken, 1.0)
    process.communicate()
