"""What surrounds every script: log, determinism, device, one-sentence errors, provenance."""

import logging
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from pkgutil import resolve_name
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

import pandas as pd
import psutil

from vaentk.data.stored import Blocks, Stored
from vaentk.errors import FAULTS, UserError, storage_fault
from vaentk.runtime import io, records

log = logging.getLogger("vaentk")

NOT_RECORDED = ("code", "functions", "settings_class", "captions", "at_hand")
"""Parameters that name code, which the digest stands for, words about a result, or times of files
of this machine."""

MAPPED = ("images", "weights", "codes")
"""Inputs that are mapped into memory and not read: more than a job may need of them."""

ATTENTION = 1.0
"""Seconds between two looks at whether Snakemake is still there."""

OUT_OF_MEMORY = ("out of memory", "status_alloc_failed", "can't allocate memory")
"""How torch and CUDA's libraries word a full memory, on a GPU and on a CPU."""

LIBRARIES = ("torch", "numpy", "scipy", "pandas", "safetensors", "mlxtend")
"""Whose versions are recorded with every result."""


@dataclass(frozen=True)
class Job:
    """One running script: its files, parameters and device."""

    inputs: dict[str, Path]
    """By name, as the rule declares them; the first where a name has several."""
    outputs: dict[str, Path]
    files: dict[str, list[Path]]
    """All input files by name."""
    params: dict[str, Any]
    """The rule's parameters, plain data."""
    threads: int
    """Processor cores the job may use."""
    device: str
    """``cpu`` or ``cuda``."""
    log_file: Path
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    """What the rule's parameter ``functions`` names as ``module:function``, by name."""
    checksums: dict[Path, str] = field(default_factory=dict)
    """Of all input files, which were checked before the work began."""
    facts: dict[Path, dict[str, Any]] = field(default_factory=dict)
    """What to add to the provenance of a result, by its path."""

    @property
    def checkpoints(self) -> Path:
        """Folder of the job's checkpoints until its results are saved; not a declared result."""
        parts = [part for part in self.log_file.parts if part != "logs"]
        return Path(*parts).with_suffix(".checkpoint")

    def forget_checkpoints(self) -> None:
        """Delete the job's checkpoints, once its results are saved."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def settings(self, plain: Mapping[str, Any]) -> Any:
        """Build checked settings of the class that the parameter ``settings_class`` names."""
        return resolve_name(self.params["settings_class"]).from_plain(plain)

    def opened(self, name: str, keys: Sequence[Any] | None = None) -> Any:
        """Open what the rule gives by a name: files, one or one a key, or else a parameter.

        Keys tell several files apart: widths, variants, runs. A CSV or parquet file is a table; a
        safetensors file is `Stored`, with tensors mapped into memory where the name is one of
        `MAPPED`, and arrays elsewhere. ``task`` is the job itself.
        """
        if name == "task":
            return self
        if name not in self.files:
            return self.params[name]
        read = [_read(path, mapped=name in MAPPED) for path in self.files[name]]
        return read[0] if keys is None else dict(zip(keys, read, strict=True))

    def save(self, results: Mapping[str, Any]) -> None:
        """Write results by the outputs' names: tables, `Stored`, `Blocks`, or arrays by name."""
        for name, result in results.items():
            path = self.outputs[name]
            if isinstance(result, pd.DataFrame):
                io.write_table(result, path)
            elif isinstance(result, Stored):
                io.write_arrays(result.arrays, path, result.note)
            elif isinstance(result, Blocks):
                io.write_blocks(result.images, result.shape, path, result.others, result.note)
            else:
                io.write_arrays(result, path)

    def describe(self, path: Path, **facts: Any) -> None:
        """Add facts to the provenance of one result (a figure's alternative text, data labels)."""
        self.facts[path] = facts

    def save_figure(self, svg: str, alt: str, name: str) -> None:
        """Save a figure of the rule, by the output's name; its words go into the provenance."""
        io.write_text(svg, self.outputs[name])
        self.describe(self.outputs[name], alt=alt)


@contextmanager
def running(snakemake: Any) -> Iterator[Job]:
    """Surround a script's work; at its end, write the provenance of every declared result.

    A `UserError`, a full memory or a fault of storage ends the process with status 1 and one
    sentence, in the log and on standard error; any other exception is a bug and keeps its
    traceback.
    """
    log_file = Path(snakemake.log[0])
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        start_log(log_file)
        job = _job(snakemake, log_file)
        yield job
        for path in job.outputs.values():
            if not path.exists():
                raise RuntimeError(f"the script did not write {path}")
        _write_provenance(snakemake, job)
        _write_benchmark(job)
    except (UserError, MemoryError) as error:
        sentence = str(error) or "out of memory: use fewer widths or seeds at once, or more memory"
        _stop(f"{snakemake.rule}: {sentence}")
    except RuntimeError as error:
        if not is_full(error):
            log.exception("%s failed", snakemake.rule)
            raise
        instead = "use smaller widths or batches, --resources gpu=1, or device: cpu"
        _stop(f"{snakemake.rule}: {str(error).splitlines()[0]}; {instead}")
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FAULTS:
            _stop(f"{snakemake.rule}: {error.filename or 'a file'}: {storage_fault(error)}")
        log.exception("%s failed", snakemake.rule)
        raise


def _end_with(parent: int) -> None:
    """End this process when Snakemake, which started it, is gone: nobody waits for its results."""
    while os.getppid() == parent:
        time.sleep(ATTENTION)
    log.error("Snakemake is gone: stopping; what was trained is in the checkpoint")
    os._exit(1)


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, is a full memory of a GPU or a CPU."""
    while error is not None:
        worded = isinstance(error, RuntimeError) and str(error).lower()
        if isinstance(error, MemoryError) or (worded and any(w in worded for w in OUT_OF_MEMORY)):
            return True
        error = error.__cause__ or error.__context__
    return False


def start_log(path: Path) -> None:
    """Log to a file, appending, with the time of day; used by worker processes too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def machine(threads: int) -> dict[str, Any]:
    """Describe the hardware a job runs on, for the report's table of run times."""
    gpu = None
    if "torch" in sys.modules:
        import torch

        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "gpu": gpu,
        "threads": threads,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def declared_name(path: Path) -> str:
    """Name a file as the workflow does; a storage plugin has its copies below a folder of its own.

    ``.snakemake/storage/s3/bucket/run/results/claims/claims.csv`` is ``results/claims/claims.csv``.
    """
    _, inside, name = str(path).rpartition("/results/")
    return f"results/{name}" if inside else str(path)


def commit() -> str:
    """Return the commit of these sources, from the variable VAENTK_COMMIT or from git.

    A hyphen and ``dirty`` behind it say that they were changed since.
    """
    told = os.environ.get("VAENTK_COMMIT")
    if told:
        return told
    root = Path(__file__).resolve().parents[4]
    if not (root / ".git").exists():  # an archive's sources may lie in another repository
        return "unknown"
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _job(snakemake: Any, log_file: Path) -> Job:
    """Collect what the rule declares and make torch deterministic, where the rule computes."""
    params = dict(snakemake.params.items())
    functions = {name: resolve_name(entry) for name, entry in params.get("functions", {}).items()}
    device = "cpu"
    if "torch" in sys.modules:  # what draws does without it, and would wait for it
        from vaentk.runtime.devices import prepare_torch

        device = prepare_torch(params.get("device", "cpu"), params.get("deterministic", True))
    files = {
        name: [Path(path)] if isinstance(path, str) else [Path(p) for p in path]
        for name, path in snakemake.input.items()
    }
    inputs = {name: paths[0] for name, paths in files.items() if paths}
    outputs = {
        name: Path(str(path))
        for name, path in snakemake.output.items()
        if not str(path).endswith(records.ENDING)
    }
    checksums = records.checked(path for paths in files.values() for path in paths)
    return Job(
        *(inputs, outputs, files, params, snakemake.threads, device, log_file, functions, checksums)
    )


def _read(path: Path, mapped: bool) -> Any:
    """Read a file by its ending."""
    if path.suffix != ".safetensors":
        return io.read_table(path)
    return Stored(io.map_tensors(path) if mapped else io.read_arrays(path), io.read_note(path))


def _write_benchmark(job: Job) -> None:
    """Write seconds since the process began, its peak memory with its workers', and the machine.

    Snakemake's own benchmarks look at every process twice a second, which takes a tenth of a core.
    """
    largest = [getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    megabyte = 2**20 if sys.platform == "darwin" else 2**10  # in bytes there, else in KiB
    record = {
        "seconds": round(time.time() - psutil.Process().create_time(), 2),
        "max_rss_mb": round((largest[0] + job.threads * largest[1]) / megabyte, 1),
    }
    parts = ["benchmarks" if part == "logs" else part for part in job.log_file.parts]
    records.write(record | machine(job.threads), Path(*parts).with_suffix(records.ENDING))


def _write_provenance(snakemake: Any, job: Job) -> None:
    """Write the sidecar of every result that declares one. No clocks, hosts or random ids."""
    settings = job.params.get("settings", {})
    record = {
        "rule": snakemake.rule,
        "parameters": {k: v for k, v in job.params.items() if k not in NOT_RECORDED},
        "code": job.params.get("code"),
        # A file outside the tree, as in the cache, goes by its name: folders tell of a machine.
        "inputs": {
            path.name if path.is_absolute() else declared_name(path): checksum
            for path, checksum in job.checksums.items()
        },
        "seeds": settings.get("seeds") if isinstance(settings, dict) else None,
        "dtype": job.params.get("dtype"),
        "device": job.device,
        "versions": versions(),
    }
    declared = {str(path) for path in snakemake.output}
    for path in job.outputs.values():
        if str(records.beside(path)) in declared:
            records.seal(path, declared_name(path), record | job.facts.get(path, {}))


def _stop(sentence: str) -> None:
    log.error(sentence)
    print(sentence, file=sys.stderr)
    sys.exit(1)


def _processor() -> str:
    """Return the processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    model = re.search(r"^model name\s*:\s*(.*\S)", text, re.MULTILINE)
    return model[1] if model else platform.processor() or platform.machine()
