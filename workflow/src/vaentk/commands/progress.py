"""How far a run is: jobs, their share of the work by planned costs, and the time left."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vaentk.costs.table import span

CALM: Final = "VAENTK_CALM"
"""Variable by which jobs know that the terminal is not theirs."""

KNOWN: Final = 0.03
"""Share of the work after which the time left follows what the run has taken, not the plan."""


@dataclass
class Progress:
    """Jobs by Snakemake's number: their names, and the core seconds that are planned."""

    names: Mapping[int, str]
    seconds: Mapping[int, float]
    cores: int
    clock: Callable[[], float] = time.monotonic
    running: dict[int, float] = field(default_factory=dict)
    """When each job that is at work began."""
    done: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.begun = self.clock()

    def start(self, job: int) -> None:
        """Note that a job begins."""
        self.running[job] = self.clock()

    def fail(self, job: int) -> None:
        """Note that a job is at work no longer, and not done."""
        self.running.pop(job, None)

    def finish(self, job: int) -> str:
        """Note that a job ended, and say so in a line; empty for what is no work."""
        self.running.pop(job, None)
        if job not in self.names or job in self.done:
            return ""
        self.done.add(job)
        width = len(str(len(self.names)))
        return f"[{len(self.done):>{width}}/{len(self.names)}] {self.names[job]} · {self._rest()}"

    def waiting(self) -> str:
        """Say in a line what is at work, and for how long."""
        now = self.clock()
        at = [
            f"{self.names.get(job, 'a job')} ({span(now - t)})" for job, t in self.running.items()
        ]
        return f"    at work: {', '.join(at)} · {self._rest()}" if at else ""

    @property
    def share(self) -> float:
        """Part of the planned work that is done."""
        whole = sum(self.seconds.values())
        return sum(self.seconds[job] for job in self.done) / whole if whole else 1.0

    @property
    def left(self) -> float:
        """Seconds until the end: as fast as until now, or as planned while little is done."""
        share, cores = self.share, max(1, self.cores)
        if share < KNOWN:
            return (1 - share) * sum(self.seconds.values()) / cores
        return (self.clock() - self.begun) * (1 - share) / share

    def _rest(self) -> str:
        if len(self.done) == len(self.names):
            return "100%"
        return f"{self.share:.0%} · about {span(self.left)} left"


current: Progress | None = None
"""Of this process's run, once it has begun."""


def begin(jobs: Mapping[int, tuple[str, float]], cores: int) -> None:
    """Begin a run: name and planned core seconds of every job that it will do."""
    global current
    names, seconds = ({job: entry[k] for job, entry in jobs.items()} for k in (0, 1))
    current = Progress(names, seconds, cores)  # type: ignore[arg-type]


def name_of(rule: str, wildcards: Mapping[str, str]) -> str:
    """Name a job for a person: ``train ridge pca-16, 64-256``."""
    stage, _, kind = rule.partition("_")
    if stage not in ("train", "measure", "show"):
        return rule.replace("_", " ")
    run = " ".join(filter(None, (stage, kind.replace("_", " "), wildcards.get("run"))))
    return ", ".join(filter(None, (run, wildcards.get("part"))))
