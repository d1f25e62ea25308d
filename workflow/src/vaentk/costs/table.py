"""What a run will cost, said before it starts: the table of `make plan`, and one sentence."""

from collections.abc import Iterable, Sequence
from textwrap import fill

from vaentk.config import Config
from vaentk.costs.cards import ANY, Card, together
from vaentk.costs.cost import Cost
from vaentk.costs.jobs import Job, cost_of, trainings
from vaentk.costs.rates import MB, MINUTE

CORES = 2
"""Of the machine that the rates were measured on."""

HOUR = 3600
COLUMNS = 100
STAGES = ("data", "train", "measure", "show", "claims", "report")
LINE = "{:<9} {:<18} {:>6} {:>11} {:>11} {:>10} {:>10}"

MEANING = """
CPU time is time of one core, by rates measured on two CPU cores; GPU time that of jobs that would
use one, each alone, its start included. Both are estimates from the settings, of short runs right
within a factor of two. Memory is the host's, of the largest job; a cluster is asked for half as
much again, and for three times the time.
"""


def told(config: Config, default: Config, files: Sequence[str]) -> str:
    """Say in a sentence which configuration it is, from which files, and what they change."""
    own, usual = (
        {(kind, run): settings for kind, runs in each.experiments for run, settings in runs.items()}
        for each in (config, default)
    )
    kinds = {kind for kind, _ in own}
    said = (
        f"configuration {config.name}, from {' with '.join(dict.fromkeys(map(str, files)))}: "
        f"{len(own)} runs of {len(kinds)} experiments"
    )
    changes = {
        "new": own.keys() - usual.keys(),
        "changed": {key for key in own.keys() & usual.keys() if own[key] != usual[key]},
        "left out": usual.keys() - own.keys(),
    }
    parts = [f"{len(keys)} {what}" for what, keys in changes.items() if keys]
    return f"{said}; of the default's, {', '.join(parts)}" if parts else said


def at_most(config: Config, gpu: bool) -> str:
    """Say in a sentence what all trainings of a configuration take, done or not."""
    costs = [cost_of(config, job) for job in trainings(config)]
    cpu = _spread(costs, gpu=False, cores=CORES)
    said = f"all trainings together take about {span(cpu)} on {CORES} CPU cores (measured rates)"
    if gpu or cpu > HOUR:
        said += f", {span(_spread(costs, gpu=True, cores=CORES))} on a GPU (assumed rates)"
    return f"{said}; make plan lists what is left to do"


def table(planned: Iterable[Job], config: Config, gpu: bool, cores: int, card: Card = ANY) -> str:
    """Write what would run as a table of stages and experiments, for a terminal of 100 columns.

    ``gpu`` says whether this machine has one that the jobs can use, ``cores`` what it has of them;
    times on a GPU are those of ``card``.
    """
    rows: dict[tuple[str, str], list[Cost]] = {}
    for rule, wildcards in planned:
        if rule != "all":  # the target is no work
            cost = cost_of(config, (rule, wildcards))
            rows.setdefault(_row_of(rule), []).append(cost)
    costs = [cost for costs in rows.values() for cost in costs]
    if not costs:
        return "Nothing to do: every result is there and up to date."
    head = LINE.format("stage", "experiment", "jobs", "CPU time", "GPU time", "memory", "disk")
    ruled = "-" * len(head)
    ordered = sorted(rows, key=lambda row: (STAGES.index(row[0]), row[1]))
    lines = [head, ruled, *(_row(*row, rows[row], card) for row in ordered), ruled]
    lines += [_row("all", "", costs, card), MEANING]
    here = _spread(costs, gpu=False, cores=cores)
    lines.append(f"This machine: about {span(here)} on its {cores} CPU cores.")
    if any(cost.load for cost in costs):
        on_gpu = span(_spread(costs, gpu=True, cores=cores, card=card))
        lines.append(f"With one GPU (it has {'one' if gpu else 'none'}): about {on_gpu}.")
        lines.append(fill(f"Rates of the GPU: {card.says}.", COLUMNS))
    return "\n".join(lines)


def span(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    hours = seconds / HOUR
    return f"{hours:.1f} h" if hours < 100 else f"{hours:,.0f} h"


def _spread(costs: Iterable[Cost], *, gpu: bool, cores: int, card: Card = ANY) -> float:
    """Seconds on one machine, whose cores and whose GPU, where it has one, are always busy."""
    costs = list(costs)
    there = together([cost.load for cost in costs if gpu and cost.load], card)
    here = sum(cost.seconds * cost.cores for cost in costs if not gpu or not cost.load)
    return max(there, here / cores)


def _row_of(rule: str) -> tuple[str, str]:
    """Stage and experiment of a rule; what names no stage makes data or shows it."""
    stage, _, kind = rule.partition("_")
    if stage in ("train", "measure"):
        return stage, kind
    return (stage if stage in STAGES else "data"), ""


def _row(stage: str, experiment: str, costs: Sequence[Cost], card: Card) -> str:
    """One line of the table: core time on a CPU, time of a GPU, the largest job's memory."""
    on_gpu = [cost.load.seconds(card) for cost in costs if cost.load]
    cpu = span(sum(cost.seconds * cost.cores for cost in costs))
    memory, disk = max(cost.memory for cost in costs), sum(cost.disk for cost in costs)
    gpu = span(sum(on_gpu)) if on_gpu else "-"
    return LINE.format(stage, experiment, f"{len(costs):,}", cpu, gpu, _size(memory), _size(disk))


def _size(size: float) -> str:
    if size < MB:
        return "< 1 MB"
    return f"{size / MB:.0f} MB" if size < 1000 * MB else f"{size / MB / 1000:.1f} GB"
