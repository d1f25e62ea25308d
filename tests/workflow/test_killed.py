"""Runs that are stopped: the README's command again ends with the bytes of a run left alone."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from trees import copy_sources, make_clone, results, typed

TRAINED = "results/train/weight_change/mnist-7x7/16-32.parquet"

LONG = """
checkpoint_seconds: 0.2
experiments:
  weight_change:
    mnist-7x7:
      stepping: literal
      steps: 10240
"""
"""Some six seconds of training a width, with checkpoints all along."""

COMMAND = f"make report CORES=2 ARGS={TRAINED}"

EARLY = (0.3, 1.0, 2.0, 3.0, 4.0, 5.0)
"""Seconds after which a run is stopped while it starts and is planned."""

LATE = (0.0, 0.3, 0.6, 0.9)
"""The same after a checkpoint of its training."""


def of_tree(tree: Path) -> list[psutil.Process]:
    """Processes that work in a tree."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(tree.resolve()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def newer(tree: Path, when: float) -> bool:
    """Whether a checkpoint was written since then."""
    folder = (tree / TRAINED).with_suffix(".checkpoint")
    return any(path.stat().st_mtime > when for path in folder.rglob("members-*.safetensors"))


def stop(process: Any, tree: Path, kind: str) -> None:
    """Stop a run: all of it, or Snakemake alone, by a signal that asks or by one that kills."""
    own = [p for p in of_tree(tree) if "snakemake" in " ".join(p.cmdline()[:2])]
    if kind == "all" or not own:
        os.killpg(process.pid, signal.SIGKILL)
    elif kind == "snakemake":
        own[0].kill()
    else:
        own[0].terminate()
    process.communicate(timeout=20)


def test_a_run_that_is_stopped_ten_times_ends_with_the_same_bytes(tmp_path: Path) -> None:
    stopped, whole = (
        make_clone(copy_sources(tmp_path / name), LONG) for name in ("stopped", "whole")
    )
    resumed = False
    points = [(seconds, False) for seconds in EARLY] + [(seconds, True) for seconds in LATE]
    for number, (seconds, trains) in enumerate(points):
        began = time.time()
        process = typed(COMMAND, stopped)
        while trains and not newer(stopped, began) and process.poll() is None:
            time.sleep(0.05)
        time.sleep(seconds)
        if process.poll() is not None:
            pytest.fail(
                f"the run was not stopped in the middle: {process.communicate()[0][-2000:]}"
            )
        stop(process, stopped, ("all", "snakemake", "asked")[number % 3])
        deadline = time.monotonic() + 10
        while left := of_tree(stopped):
            assert time.monotonic() < deadline, [p.cmdline() for p in left]
            time.sleep(0.1)
        assert not (stopped / f"{TRAINED}.json").exists()
        assert not list((stopped / "results/train").rglob("*.parquet.*.part"))
    for tree in (stopped, whole):
        process = typed(COMMAND, tree)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output[-3000:]
        resumed = resumed or "going on where it was" in output
    assert resumed
    log = (stopped / "results/logs/train/weight_change/mnist-7x7/16-32.log").read_text()
    assert "resuming" in log
    assert not (stopped / TRAINED).with_suffix(".checkpoint").exists()
    assert results(stopped) == results(whole)
