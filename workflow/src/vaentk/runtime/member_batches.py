"""Some members of one width, trained as one batch by this process.

It may be a worker of its own: what it needs to know of its place comes with it.
"""

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Never

import torch
from tensorboard.summary import Writer
from tqdm import tqdm

from vaentk.runtime import progress
from vaentk.runtime.checkpoints import Checkpoint as Kept
from vaentk.runtime.job import log, start_log
from vaentk.training.descent import Checkpoint, Observe, descend
from vaentk.training.problem import Problem
from vaentk.training.schedule import Schedule

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


def train_batch(
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
