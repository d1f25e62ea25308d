"""Checkpoints of a training in one file, which only the same settings and code take up."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from vaentk import io
from vaentk.job import log

Records = list[dict[str, float]]
ON_CPU = "generators"
"""The one tensor that stays on the CPU."""


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

    def load(self, device: str) -> tuple[int, dict[str, Tensor], Records] | None:
        """Step, tensors and records of the same settings and code, if there are."""
        if not self.path.exists():
            return None
        note = json.loads(io.read_note(self.path))
        if note["fingerprint"] != self.fingerprint:
            log.info("the checkpoint belongs to other settings; starting afresh")
            return None
        log.info("resuming after step %d", note["step"])
        tensors = {name: tensor.clone() for name, tensor in io.map_tensors(self.path).items()}
        tensors |= {name: t.to(device) for name, t in tensors.items() if name != ON_CPU}
        return note["step"], tensors, note["records"]

    def offer(self, step: int, tensors: dict[str, Tensor], records: Records) -> None:
        """Save a state, if it is time."""
        if time.monotonic() - self.saved < self.seconds:
            return
        arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
        note = {"step": step, "records": records, "fingerprint": self.fingerprint}
        io.write_arrays(arrays, self.path, json.dumps(note))
        self.saved = time.monotonic()
