"""Checkpoints of a training in one file, which only the same settings and code take up."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from vaentk.runtime import io
from vaentk.runtime.job import log

Record = dict[str, float]
ON_CPU = "generators"
"""The one tensor that stays on the CPU."""


class Kept(NamedTuple):
    """What a checkpoint holds: a state, and rows that were measured beside the training."""

    step: int
    tensors: dict[str, Tensor]
    records: list[Record]
    marks: list[Record]


@dataclass
class Checkpoint:
    """Where a training's state is kept, and how often.

    Attributes
    ----------
    path : Path
    fingerprint : str
        Of all that the state depends on.
    seconds : float
        Between two times that it is saved.
    """

    path: Path
    fingerprint: str
    seconds: float
    saved: float = field(default_factory=time.monotonic)

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self.saved >= self.seconds

    def load(self, device: str) -> Kept | None:
        """What was kept under the same settings and code, if anything was."""
        if not self.path.exists():
            return None
        note = json.loads(io.read_note(self.path))
        if note["fingerprint"] != self.fingerprint:
            log.info("the checkpoint belongs to other settings; starting afresh")
            return None
        log.info("resuming %s after step %d", self.path.stem, note["step"])
        found = io.map_tensors(self.path)
        # In the order they were in, and not the file's: sums over weights round by their order.
        tensors = {name: found[name].clone() for name in note["names"]}
        tensors |= {name: t.to(device) for name, t in tensors.items() if name != ON_CPU}
        return Kept(note["step"], tensors, note["records"], note["marks"])

    def offer(
        self,
        step: int,
        tensors: dict[str, Tensor],
        records: list[Record],
        marks: Sequence[Record] = (),
    ) -> None:
        """Save a state, if it is time."""
        if self.due:
            self.save(step, tensors, records, marks)

    def save(
        self,
        step: int,
        tensors: dict[str, Tensor],
        records: list[Record],
        marks: Sequence[Record] = (),
    ) -> None:
        """Save a state."""
        arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
        note: dict[str, object] = {"step": step, "records": records, "marks": list(marks)}
        note |= {"names": list(tensors), "fingerprint": self.fingerprint}
        io.write_arrays(arrays, self.path, json.dumps(note))
        self.saved = time.monotonic()


def forget(folder: Path) -> None:
    """Delete the checkpoints of a job, once its results are saved."""
    shutil.rmtree(folder, ignore_errors=True)
