"""What a run will cost, said before it starts: the table of `make plan`, and one sentence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vaentk.config import Config
from vaentk.costs.jobs import cost_of, trainings
from vaentk.costs.work import LAUNCH, MB, ON_GPU, Cost
from vaentk.data.table import DataFile

CORES: Final = 2
"""Of the machine that the rates were measured on."""

HOUR: Final = 3600
MINUTE: Final = 60
STAGES: Final = ("data", "train", "measure", "figure", "tables", "claims", "report")
TARGET: Final = "all"

MEANING: Final = (
    "CPU time is time of one core, by rates measured on two CPU cores. GPU time is that of jobs",
    f"that would use one, at {ON_GPU / 1e12:.0f} TFLOP/s and {LAUNCH * 1e6:.0f} us a kernel, "
    "which is assumed and",
    "not measured. Both are estimates from the settings, of short runs right within a factor of",
    "two. Memory is the host's, of the largest job; a cluster is asked for half as much again, and",
    "for three times the time.",
    "",
)


@dataclass(frozen=True, eq=False)
class Planned:
    """A job that would run.

    Attributes
    ----------
    rule : str
    wildcards : mapping
    inputs, outputs : frozenset of str
        Its files, which tell what it waits for.
    """

    rule: str
    wildcards: Mapping[str, str]
    inputs: frozenset[str]
    outputs: frozenset[str]

    @property
    def stage(self) -> str:
        """The stage that its rule belongs to."""
        if self.rule == "data_facts":
            return "measure"
        named = self.rule.partition("_")[0]
        return named if named in STAGES else "data"

    @property
    def experiment(self) -> str:
        """The kind of experiment it is for; empty of a job that is for all."""
        if self.stage == "data" or "run" not in self.wildcards:
            return ""
        return self.wildcards.get("kind", self.rule.partition("_")[2])


def at_most(config: Config, gpu: bool) -> str:
    """Say in a sentence what all trainings of a configuration take, done or not."""
    costs = [cost_of(config, rule, wildcards, CORES) for rule, wildcards in trainings(config)]
    cpu = _spread(costs, gpu=False, cores=CORES)
    said = f"all trainings together take about {span(cpu)} on {CORES} CPU cores (measured rates)"
    if gpu or cpu > HOUR:
        said += f", {span(_spread(costs, gpu=True, cores=CORES))} on a GPU (assumed rates)"
    return f"{said}; make plan lists what is left to do"


def table(
    planned: Iterable[Planned],
    config: Config,
    gpu: bool,
    cores: int,
    files: Sequence[DataFile] = (),
) -> str:
    """Write what would run as a table of experiments and stages, for a terminal of 100 columns.

    Parameters
    ----------
    planned : iterable of Planned
        The jobs that would run.
    config : Config
    gpu : bool
        Whether the jobs that can use a GPU here.
    cores : int
        Of this machine.
    files : sequence of DataFile
        That these jobs would download.
    """
    working = [job for job in planned if job.rule != TARGET]
    if not working:
        return "Nothing to do: every result is there and up to date."
    costs = {job: cost_of(config, job.rule, job.wildcards, cores) for job in working}
    rows: dict[tuple[str, str], list[Cost]] = {}
    for job, cost in costs.items():
        rows.setdefault((job.stage, job.experiment), []).append(cost)
    head = _line("stage", "experiment", "jobs", "CPU time", "GPU time", "memory", "disk")
    lines = [head, "-" * len(head)]
    for row in sorted(rows, key=lambda row: (STAGES.index(row[0]), row[1])):
        lines.append(_row(*row, rows[row]))
    lines += ["-" * len(head), _row("all", "", list(costs.values())), "", *MEANING]
    every = list(costs.values())
    here = span(_spread(every, gpu=False, cores=cores))
    lines.append(f"This machine: about {here} on its {cores} CPU cores.")
    if any(cost.on_gpu is not None for cost in every):
        found = "it has one" if gpu else "it has none"
        lines.append(
            f"With one GPU ({found}): about {span(_spread(every, gpu=True, cores=cores))}."
        )
    alone = {job: cost_of(config, job.rule, job.wildcards) for job in working}
    without, with_ = (span(longest_chain(alone, gpu=g)) for g in (False, True))
    lines.append(
        f"A cluster with a node for every job: about {without} on CPUs, {with_} on GPUs, which is"
        "\nthe longest chain of jobs that wait for each other."
    )
    if files:
        lines.append(_downloads(files))
    return "\n".join(lines)


def to_download(
    planned: Iterable[Planned], config: Config, files: Sequence[DataFile], cache: Path
) -> list[DataFile]:
    """List the files that planned jobs would download: wanted, and not in the cache.

    Parameters
    ----------
    planned : iterable of Planned
    config : Config
    files : sequence of DataFile
        ``config/datasets.csv``.
    cache : Path
        The folder of downloaded files.
    """
    rules = {job.rule for job in planned}
    data = config.data
    sets = {
        ("mnist", data.mnist == "full"): ("mnist", ""),
        ("dsprites", data.dsprites == "published"): ("dsprites", ""),
        ("cars3d", data.cars3d == "archive"): ("cars3d", ".tar.gz"),
        ("celeba", data.celeba == "full"): ("celeba", ""),
        ("celeba", data.celeba == "partial"): ("celeba", ".txt"),
        ("cifar", data.cifar in ("cifar10", "cifar100")): (str(data.cifar), ".tar.gz"),
    }
    wanted = [which for (rule, asked), which in sets.items() if asked and rule in rules]
    return [
        file
        for name, ending in wanted
        for file in files
        if file.name == name and file.file.endswith(ending) and not file.path(cache).exists()
    ]


def longest_chain(costs: Mapping[Planned, Cost], *, gpu: bool) -> float:
    """Seconds of the longest chain of jobs that wait for each other."""
    makers = {path: job for job in costs for path in job.outputs}
    known: dict[Planned, float] = {}

    def ends(job: Planned) -> float:
        if job not in known:
            before = {makers[path] for path in job.inputs if path in makers}
            known[job] = costs[job].takes(gpu) + max(map(ends, before), default=0.0)
        return known[job]

    return max(map(ends, costs), default=0.0)


def span(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    hours = seconds / HOUR
    return f"{hours:.1f} h" if hours < 100 else f"{hours:,.0f} h"


def _spread(costs: Iterable[Cost], *, gpu: bool, cores: int) -> float:
    """Seconds on one machine, whose cores are all busy and whose GPU has one job at a time."""
    costs = list(costs)
    there = sum(cost.takes(gpu) for cost in costs if gpu and cost.on_gpu is not None)
    here = sum(cost.seconds * cost.cores for cost in costs if not gpu or cost.on_gpu is None)
    return max(there, here / cores)


def _row(stage: str, experiment: str, costs: Sequence[Cost]) -> str:
    """One line of the table: core time on a CPU, time of a GPU, the largest job's memory."""
    on_gpu = [cost.on_gpu for cost in costs if cost.on_gpu is not None]
    return _line(
        stage,
        experiment,
        f"{len(costs):,}",
        span(sum(cost.seconds * cost.cores for cost in costs)),
        span(sum(on_gpu)) if on_gpu else "-",
        _size(max(cost.memory for cost in costs)),
        _size(sum(cost.disk for cost in costs)),
    )


def _line(stage: str, experiment: str, *rest: str) -> str:
    jobs, cpu, gpu, memory, disk = rest
    return f"{stage:<9} {experiment:<16} {jobs:>6} {cpu:>11} {gpu:>11} {memory:>10} {disk:>10}"


def _size(size: float) -> str:
    if size < MB:
        return "< 1 MB"
    return f"{size / MB:.0f} MB" if size < 1000 * MB else f"{size / MB / 1000:.1f} GB"


def _downloads(files: Sequence[DataFile]) -> str:
    known = sum(file.bytes or 0 for file in files)
    unknown = [file.file for file in files if not file.bytes]
    said = f"Downloads: {len(files)} files, {_size(known)}"
    return f"{said} and {', '.join(unknown)} (size not stated)." if unknown else f"{said}."
