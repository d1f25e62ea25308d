"""Members (seeds) of one width, trained side by side, with checkpoints, progress and TensorBoard.

On a CPU every seed is trained by a single thread, in a process of its own where the job has more
than one core: small matrices do not gain from threads, and the result does not depend on the number
of cores. On a GPU as many members as fit into its memory are one batch, and the last digits of one
may differ with their number.
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Never

import pandas as pd
import torch
from tensorboard.summary import Writer
from tqdm import tqdm

from vaentk import io, progress
from vaentk.checkpoints import Checkpoint as Kept
from vaentk.footprints import width_member
from vaentk.group_checkpoints import GroupCheckpoints, Places
from vaentk.groups import fitting, in_groups
from vaentk.job import Job, log, start_log
from vaentk.training.descent import Checkpoint, Observe, Record, descend
from vaentk.training.problem import Problem
from vaentk.training.schedule import Schedule
from vaentk.workers import Spread, workers


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


Observer = Callable[[Problem, Schedule, tuple[int, ...]], Observe]
"""Makes the further observations of some members; a function of a module, for worker processes."""


@dataclass(frozen=True)
class Surroundings:
    """Where a worker keeps its checkpoint and shows its progress."""

    checkpoint: Kept
    tensorboard: Path
    log_file: Path
    label: str
    keep_outputs: bool
    observe: Observer | None


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
            states = run(partial(_train_group, problem, schedule), [*map(seeds_of, groups)], places)
        else:
            found = in_groups(
                groups,
                lambda group: _train_group(problem, schedule, seeds_of(group), place_of(group)),
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


def _train_group(
    problem: Problem, schedule: Schedule, seeds: tuple[int, ...], place: Surroundings
) -> Checkpoint:
    """Train some members in this process, from their checkpoint if there is one."""
    if multiprocessing.parent_process() is not None and not log.handlers:
        start_log(place.log_file)
    model = problem.model(seeds)
    initial = model.initial_weights(seeds)
    resume = _read_checkpoint(place, problem.device)
    writer = Writer(str(place.tensorboard))
    bar = progress.bar(schedule.steps, resume.step if resume else 0, place.label)
    tick = _Tick(place, bar, writer, written=len(resume.records) if resume else 0)
    try:
        objective = problem.objective(model, initial)
        state = descend(
            model,
            objective,
            initial,
            schedule,
            seeds,
            resume=resume,
            tick=tick,
            observe=place.observe(problem, schedule, seeds) if place.observe else None,
            keep=problem.model_kept(seeds) if place.keep_outputs else None,
        )
    finally:
        bar.close()
        writer.close()
    widest = max(record["latent_std"] for record in state.records)
    if widest > model.smoothing.max_std:
        log.warning(
            "%s: the latent's standard deviation reached %.3g, beyond the %.3g for which the "
            "quadrature was checked: compare with dtype: float64, which takes more nodes",
            place.label,
            widest,
            model.smoothing.max_std,
        )
    state.displacement = {}
    return state


class _Tick:
    """Called after every update: progress, TensorBoard scalars, a checkpoint now and then."""

    def __init__(
        self, place: Surroundings, bar: "tqdm[Never]", writer: Writer, written: int
    ) -> None:
        self.place, self.bar, self.writer = place, bar, writer
        self.written = written  # records that TensorBoard has
        self.parent = os.getppid()

    def __call__(self, state: Checkpoint) -> None:
        self.bar.update()
        for record in state.records[self.written :]:
            for name, number in record.items():
                if name not in ("seed", "step", "time"):
                    tag = f"{name}/seed-{record['seed']}"
                    self.writer.add_scalar(tag, number, int(record["step"]))
        self.written = len(state.records)
        if self.place.checkpoint.due:
            if os.getppid() != self.parent:  # the job was killed: nobody waits for this process
                os._exit(1)
            _write_checkpoint(state, self.place)


def _write_checkpoint(state: Checkpoint, place: Surroundings) -> None:
    tensors = {f"displacement/{k}": w for k, w in state.displacement.items()}
    tensors |= {f"dual/{k}": w for k, w in state.dual.items()}
    tensors |= {f"outputs/{step}": o for step, o in state.outputs.items()}
    place.checkpoint.save(state.step, tensors, state.records)


def _read_checkpoint(place: Surroundings, device: str) -> Checkpoint | None:
    """Return the checkpoint of the same settings, steps and code, if there is one."""
    kept = place.checkpoint.load(device)
    if kept is None:
        return None
    parts: dict[str, dict[str, torch.Tensor]] = {"displacement": {}, "dual": {}, "outputs": {}}
    for name, tensor in kept.tensors.items():
        part, _, key = name.partition("/")
        parts[part][key] = tensor
    outputs = {int(step): tensor for step, tensor in parts["outputs"].items()}
    return Checkpoint(kept.step, parts["displacement"], kept.records, outputs, parts["dual"])


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
