"""Members (seeds) of one width, trained side by side, with checkpoints, progress and TensorBoard.

On a CPU every seed is trained by a single thread, in a process of its own where the job has more
than one core: small matrices do not gain from threads, and the result does not depend on the number
of cores. On a GPU as many members as fit into its memory are one batch, and the last digits of one
may differ with their number.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from vaentk.costs.footprints import width_member
from vaentk.runtime import io
from vaentk.runtime.checkpoints import Checkpoint as Kept
from vaentk.runtime.group_checkpoints import GroupCheckpoints, Places
from vaentk.runtime.groups import fitting, in_groups
from vaentk.runtime.job import Job, log
from vaentk.runtime.member_batches import Observer, Surroundings, train_batch
from vaentk.runtime.workers import Spread, workers
from vaentk.training.descent import Checkpoint, Record
from vaentk.training.problem import Problem
from vaentk.training.schedule import Schedule


@dataclass(frozen=True)
class Result:
    """What training one width leaves.

    Attributes
    ----------
    records
        Observations of all members, in order of seed and step.
    outputs
        Outputs at recorded steps by ``"<seed>/<step>"``, (n, d); empty unless kept.
    limits
        Stability limit by seed, in Eq. 7's units.
    schedule
        What all members followed.
    """

    records: list[Record]
    outputs: io.Arrays
    limits: dict[int, float]
    schedule: Schedule

    def frame(self, width: int) -> pd.DataFrame:
        """Return the observations as a table, with the width and the step that was chosen."""
        frame = pd.DataFrame(self.records).astype({"seed": int, "step": int})
        limit = frame["seed"].map(self.limits)
        return frame.assign(width=width, limit=limit, learning_rate=self.schedule.learning_rate)


def train(
    problem: Problem,
    job: Job,
    folder: Path,
    *,
    keep_outputs: bool = False,
    observe: Observer | None = None,
    limit: float | None = None,
    spread: Spread | None = None,
) -> Result:
    """Train all members of one width and return their observations.

    Parameters
    ----------
    problem
        The width.
    job
        Gives the device, the number of processes, the log and the parameters.
    folder
        Where checkpoints live until training has ended; not a declared result.
    keep_outputs
        Whether the outputs at the recorded steps are returned.
    observe
        Makes further observations at the recorded steps.
    limit
        Stability limit that the step is chosen by, where it is not the members' own least.
    spread
        Map over worker processes that are there already; its own unless given.
    """
    seeds = problem.settings.seeds
    with workers(_processes(job, problem, len(seeds)), spread) as run:
        limits = dict(zip(seeds, run(problem.limit, seeds), strict=True))
        schedule = problem.schedule(min(limits.values()) if limit is None else limit)
        log.info(
            "width %d: stability limit %.4g, learning rate %.4g, %d steps",
            problem.width,
            min(limits.values()),
            schedule.learning_rate,
            schedule.steps,
        )
        known = [problem.device, job.params, schedule.learning_rate, schedule.steps]
        seconds = job.params["checkpoint_seconds"]
        kept = GroupCheckpoints(folder, json.dumps(known), seconds, seeds, lambda row: row["seed"])
        groups = kept.groups(_side_by_side(problem, len(schedule.record) if keep_outputs else 0))

        def seeds_of(group: Places) -> tuple[int, ...]:
            return tuple(seeds[place] for place in group)

        def place_of(group: Places) -> Surroundings:
            checkpoint, named = kept.of(group), seeds_of(group)
            return _surroundings(problem, job, folder, named, checkpoint, keep_outputs, observe)

        if all(len(group) == 1 for group in groups):
            places = [place_of(group) for group in groups]
            states = run(partial(train_batch, problem, schedule), [*map(seeds_of, groups)], places)
        else:
            found = in_groups(
                groups,
                lambda group: train_batch(problem, schedule, seeds_of(group), place_of(group)),
                kept.divide,
            )
            groups, states = [group for group, _ in found], [state for _, state in found]
    return _collect([seeds_of(group) for group in groups], states, limits, schedule)


def _processes(job: Job, problem: Problem, members: int) -> int:
    """Worker processes: none beside this one on a GPU, which they would share without knowing."""
    return min(job.threads, members) if problem.device == "cpu" else 1


def _side_by_side(problem: Problem, looks: int) -> int:
    """How many members are one batch: one on a CPU, on a GPU what fits.

    Parameters
    ----------
    problem
        The width.
    looks
        Recorded steps whose outputs are kept.
    """
    if problem.device == "cpu":
        return 1
    each = width_member(problem.settings, problem.width, problem.dtype, looks)
    return fitting(len(problem.settings.seeds), each, problem.device)


def _surroundings(
    problem: Problem,
    job: Job,
    folder: Path,
    group: tuple[int, ...],
    checkpoint: Kept,
    keep_outputs: bool,
    observe: Observer | None,
) -> Surroundings:
    name = "-".join(map(str, group))
    what = "" if folder.suffix == ".checkpoint" else f" {folder.name}"
    return Surroundings(
        checkpoint=checkpoint,
        tensorboard=job.log_file.with_suffix("") / what.strip() / f"seeds-{name}",
        log_file=job.log_file,
        label=f"width {problem.width}{what} seed {', '.join(map(str, group))}",
        keep_outputs=keep_outputs,
        observe=observe,
    )


def train_variants(
    problems: Mapping[str, Problem],
    job: Job,
    folder: Path,
    *,
    keep_outputs: bool = False,
    observe: Observer | None = None,
    common_step: bool = False,
) -> tuple[pd.DataFrame, io.Arrays]:
    """Train one width of every variant of a run, one after another, each from its checkpoint.

    Parameters
    ----------
    problems
        The width, by variant.
    job, keep_outputs, observe
        As for `train`.
    folder
        Where the variants' checkpoints live, a folder each.
    common_step
        Whether all variants take the step of the one with the least stability limit.

    Returns
    -------
    tuple
        Observations with a first column ``variant``, and outputs by ``"<variant>/<seed>/<step>"``.
    """
    frames: list[pd.DataFrame] = []
    outputs: io.Arrays = {}
    limit = None
    if common_step:
        limit = min(p.limit(seed) for p in problems.values() for seed in p.settings.seeds)
    most = max(len(problem.settings.seeds) for problem in problems.values())
    first = next(iter(problems.values()))
    with workers(_processes(job, first, most)) as spread:
        for name, problem in problems.items():
            result = train(
                problem,
                job,
                folder / name,
                keep_outputs=keep_outputs,
                observe=observe,
                limit=limit,
                spread=spread,
            )
            frame = result.frame(problem.width)
            frame.insert(0, "variant", name)
            frames.append(frame)
            outputs |= {f"{name}/{key}": array for key, array in result.outputs.items()}
    return pd.concat(frames, ignore_index=True), outputs


def _collect(
    groups: Sequence[tuple[int, ...]],
    states: Sequence[Checkpoint],
    limits: dict[int, float],
    schedule: Schedule,
) -> Result:
    records = [record for state in states for record in state.records]
    records.sort(key=lambda record: (record["seed"], record["step"]))
    outputs = {
        f"{seed}/{step}": tensor[member].cpu().numpy()
        for group, state in zip(groups, states, strict=True)
        for step, tensor in state.outputs.items()
        for member, seed in enumerate(group)
    }
    return Result(records, outputs, limits, schedule)
