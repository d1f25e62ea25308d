"""The one driver of trainings: members side by side as memory allows, each from its checkpoint.

On a CPU a member ends with the same bytes whoever is trained beside it, and in whatever process. On
a GPU as many members as fit into its memory are one chunk, and their last digits may differ with
its size. What is trained comes as values and functions: nothing here knows of networks.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vaentk.runtime.checkpoints import Chunk, ChunkCheckpoints, Member
from vaentk.runtime.job import Job, log, versions
from vaentk.runtime.memory import fitting, in_chunks
from vaentk.runtime.tensorboard import Events, Pictures, name_of
from vaentk.runtime.workers import Spread, in_turn, leave_if_orphaned
from vaentk.training.state import State, Tick, no_tick

LIVE, LOGGED = 0.5, 20
"""Seconds between two lines of progress in a terminal and in a file."""


@dataclass(frozen=True)
class Training:
    """Members of one shape, and how they are trained."""

    label: str
    """Names the training beside its progress."""
    members: Sequence[Member]
    """What tells every member from the others, under the same keys as in its records."""
    steps: int
    """Where a state's ``step`` ends."""
    start: Callable[[Chunk], State]
    """State of a chunk before the first step."""
    run: Callable[[Chunk, State, Tick], State]
    """Takes a chunk's state to the end and calls the tick on the way; a state that is at the end
    stays as it is."""
    member_bytes: float = 1.0
    """Memory of one member on a GPU."""
    depends_on: tuple[object, ...] = ()
    """Plain values that a state depends on, besides device and parameters of the job."""
    folder: str = ""
    """Of checkpoints and events, among those of the job's other trainings."""
    processes: bool = False
    """Whether on a CPU every member is a chunk of its own and may be trained in a process of its
    own; the training is then sent there. Otherwise all are one chunk."""
    scalars: bool = True
    """Whether TensorBoard shows the records."""
    pictures: Pictures | None = None
    """Shows more there."""
    unit: str = "step"
    """What a step is called."""


def train_members(training: Training, job: Job, spread: Spread = in_turn) -> State:
    """Train all members, those from their checkpoints that have one: as if in one chunk, in order.

    Checkpoints lie in the job's folder for them, and stay there until the job's results are saved.
    ``spread`` is a map over worker processes, where members may go apart.
    """
    inputs = [*job.checksums.values()]
    known = [job.device, job.params, inputs, versions(), *training.depends_on]
    checkpoints = ChunkCheckpoints(
        job.checkpoints / training.folder,
        json.dumps(known),
        job.params.get("checkpoint_seconds", 0.0),  # without, after every tick
        training.members,
    )
    events = job.log_file.with_suffix("") / training.folder
    work = partial(_train_chunk, training, checkpoints, job.device, events)
    if training.processes and job.device == "cpu":
        chunks = checkpoints.chunks(1)
        return checkpoints.united([*zip(chunks, spread(work, chunks), strict=True)])
    size = fitting(len(training.members), training.member_bytes, job.device)
    return checkpoints.united(in_chunks(checkpoints.chunks(size), work, checkpoints.divide))


def _train_chunk(
    training: Training, checkpoints: ChunkCheckpoints, device: str, events: Path, chunk: Chunk
) -> State:
    """Train some members side by side in this process, which may be a worker."""
    members = [training.members[place] for place in chunk]
    who = name_of(members[0]) if len(members) == 1 else f"{len(members)} members"
    what = ", ".join(filter(None, (training.label, who)))
    checkpoint = checkpoints.of(chunk)
    state = checkpoint.load(device)
    if state is None:
        state = training.start(chunk)
    else:
        log.info("resuming %s after %s %d", what, training.unit, state.step)
    with ExitStack() as stack:
        bar, show = stack.enter_context(_bar(training, state.step, what)), no_tick
        if training.scalars:
            folder = events / checkpoint.path.stem
            shown = Events(folder, members, state, training.steps, training.pictures)
            show = stack.enter_context(closing(shown)).show

        def tick(state: State) -> None:
            leave_if_orphaned()
            bar.update(state.step - bar.n)
            show(state)
            checkpoint.offer(state)

        state = training.run(chunk, state, tick)
        show(state)
    checkpoint.save(state)
    return state


def _bar(training: Training, done: int, what: str) -> "tqdm[Any]":
    """Show on standard error how many steps are done, of which some were done before."""
    return tqdm(
        total=training.steps,
        initial=done,
        desc=what,
        unit=training.unit,
        unit_scale=training.unit != "step",
        file=sys.stderr,
        disable="VAENTK_CALM" in os.environ,
        mininterval=LIVE if sys.stderr.isatty() else LOGGED,
        leave=False,
    )
