"""What differs from run to run and machine to machine: the time and the memory that jobs took.

The pages show it in the section ``run-times`` and nowhere else, so that equal results make equal
pages but for that section.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd


def read_run_times(folder: Path, jobs: Sequence[str]) -> pd.DataFrame:
    """Read seconds and peak memory of finished jobs, and the machines they ran on, in words.

    ``folder`` is where jobs leave what they took; ``jobs`` are names in it without an ending, and
    those that left nothing are left out.
    """
    rows = []
    for name in jobs:
        path = folder / f"{name}.json"
        if path.exists():
            record = json.loads(path.read_text(encoding="utf-8"))
            took = record["seconds"], record["max_rss_mb"]
            rows.append((name, *took, describe_machine(record)))
    return pd.DataFrame(rows, columns=["job", "seconds", "max_rss_mb", "machine"])


def describe_machine(record: Mapping[str, Any]) -> str:
    """Say in words what machine a job ran on, from what it left."""
    gpu = record["gpu"] or "no GPU"
    return f"{record['cpu']}, {record['cores']} cores, {record['memory_gb']} GB, {gpu}"
