"""What differs from run to run and machine to machine: the time and the memory that jobs took.

The pages show it in the section ``run-times`` and nowhere else, so that equal results make equal
pages but for that section.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd


def run_times(records: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Seconds and peak memory of finished jobs, and the machines they ran on, in words.

    ``records`` are what jobs left of it, by their names.
    """
    rows = [
        (name, record["seconds"], record["max_rss_mb"], describe_machine(record))
        for name, record in records.items()
    ]
    return pd.DataFrame(rows, columns=["job", "seconds", "max_rss_mb", "machine"])


def describe_machine(record: Mapping[str, Any]) -> str:
    """Say in words what machine a job ran on, from what it left."""
    gpu = record["gpu"] or "no GPU"
    return f"{record['cpu']}, {record['cores']} cores, {record['memory_gb']} GB, {gpu}"
