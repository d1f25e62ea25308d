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

    ``folder`` is where Snakemake writes its benchmarks, and every job its machine beside them;
    ``jobs`` are names in it without an ending, and those without a benchmark are left out.
    """
    rows = []
    for name in jobs:
        benchmark, machine = (folder / f"{name}{end}" for end in (".tsv", ".machine.json"))
        if benchmark.exists() and machine.exists():
            timed = pd.read_csv(benchmark, sep="\t").iloc[0]
            memory = pd.to_numeric(timed["max_rss"], errors="coerce")
            record = json.loads(machine.read_text(encoding="utf-8"))
            rows.append((name, float(timed["s"]), memory, describe_machine(record)))
    return pd.DataFrame(rows, columns=["job", "seconds", "max_rss_mb", "machine"])


def describe_machine(record: Mapping[str, Any]) -> str:
    """Say in words what machine a job ran on, from the record beside its benchmark."""
    gpu = record["gpu"] or "no GPU"
    return f"{record['cpu']}, {record['cores']} cores, {record['memory_gb']} GB, {gpu}"
