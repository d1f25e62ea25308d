"""Checkpoints of trainings, a file for each chunk of members, which only the same job takes up.

Which members a chunk has, its file's name tells. A chunk that does not fit into the memory hands
its checkpoint on to its parts; and a training that is taken up again has the chunks that it had.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from vaentk.errors import UserError
from vaentk.runtime import io
from vaentk.runtime.job import log
from vaentk.training.state import Record, State

Chunk = tuple[int, ...]
"""Members that are trained side by side, by their places among all."""

Member = dict[str, float]
"""What tells a member's records from those of others: its seed, its beta."""

ON_CPU: Final = "generators"
"""The one tensor that stays on the CPU."""

WHOLE: Final = "ensemble"
SOME: Final = "members-"


@dataclass
class Checkpoint:
    """Where the state of a chunk is kept, and how often."""

    path: Path
    fingerprint: str
    """Of all that the state depends on."""
    seconds: float
    """Between two times that it is saved."""
    saved: float = field(default_factory=time.monotonic)

    def load(self, device: str) -> State | None:
        """Read what was saved under the same settings and code, if anything was."""
        if not self.path.exists():
            return None
        note, tensors = self.read()
        if note["fingerprint"] != self.fingerprint:
            log.info("the checkpoint is of other settings or inputs; starting afresh")
            return None
        tensors |= {name: t.to(device) for name, t in tensors.items() if name != ON_CPU}
        return State(note["step"], tensors, note["records"])

    def offer(self, state: State) -> None:
        """Save a state, if it is time."""
        if time.monotonic() - self.saved >= self.seconds:
            self.save(state)

    def save(self, state: State) -> None:
        """Save a state."""
        tensors = state.tensors.items()
        arrays = {name: np.ascontiguousarray(tensor.cpu().numpy()) for name, tensor in tensors}
        note = {"step": state.step, "records": state.records, "names": list(state.tensors)}
        note |= {"fingerprint": self.fingerprint}
        note |= {"checksum": _checksum(note, arrays)}
        io.write_arrays(arrays, self.path, json.dumps(note))
        self.saved = time.monotonic()

    def read(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Read what is known of a state, and its tensors on the CPU; damage is a `UserError`."""
        arrays, text = io.read_arrays(self.path), io.read_note(self.path)
        try:
            note: dict[str, Any] = json.loads(text)
            written = note.pop("checksum")
            # In the order they were in, and not the file's: sums over weights round by their order.
            arrays = {name: arrays[name] for name in note["names"]}
            intact = written == _checksum(note, arrays)
        except (ValueError, LookupError, TypeError, AttributeError):
            intact = False
        if not intact:
            raise UserError(f"{self.path} is damaged: delete it and run again, which starts afresh")
        return note, {name: torch.from_numpy(array) for name, array in arrays.items()}


@dataclass(frozen=True)
class ChunkCheckpoints:
    """The checkpoints of one training's chunks."""

    folder: Path
    fingerprint: str
    """Of all that a state depends on, but for the chunks."""
    seconds: float
    """Between two times that a chunk is saved."""
    members: Sequence[Member]
    """All members, in order."""

    def of(self, chunk: Chunk) -> Checkpoint:
        """The checkpoint of a chunk."""
        name = WHOLE if len(chunk) == len(self.members) else SOME + "-".join(map(str, chunk))
        return Checkpoint(self.folder / f"{name}.safetensors", self.fingerprint, self.seconds)

    def chunks(self, size: int) -> list[Chunk]:
        """Chunks of a size, by their first member; one that has a checkpoint stays as it was."""
        left, chunks = set(range(len(self.members))), []
        for chunk in sorted(map(self._chunk, self.folder.glob("*.safetensors")), key=len)[::-1]:
            if chunk and left.issuperset(chunk) and self._is_ours(chunk):
                chunks.append(chunk)
                left.difference_update(chunk)
        rest = sorted(left)
        chunks += [tuple(rest[start : start + size]) for start in range(0, len(rest), size)]
        return sorted(chunks)

    def divide(self, chunk: Chunk, parts: Sequence[Chunk]) -> None:
        """Hand a chunk's checkpoint, if it has one, on to its parts."""
        whole = self.of(chunk)
        if not whole.path.exists() or not self._is_ours(chunk):
            return
        note, tensors = whole.read()
        for part in parts:
            chosen = [chunk.index(place) for place in part]
            own = {place: tensors[place][chosen] for place in note["names"]}
            records = [row for row in note["records"] if self._place(row) in part]
            self.of(part).save(State(note["step"], own, records))
        whole.path.unlink()

    def united(self, trained: Sequence[tuple[Chunk, State]]) -> State:
        """Put the states of all chunks together, as if they were one."""
        states = [state for _, state in trained]
        if len(states) == 1:
            return states[0]
        places = [place for chunk, _ in trained for place in chunk]
        order = [places.index(place) for place in range(len(places))]
        tensors: dict[str, Tensor] = {
            name: torch.cat([state.tensors[name] for state in states])[order]
            for name in states[0].tensors
        }
        records: list[Record] = [row for state in states for row in state.records]
        records.sort(key=lambda row: (row["step"], self._place(row)))
        return State(states[0].step, tensors, records)

    def _place(self, record: Record) -> int:
        """Say which member a record is of."""
        return self.members.index({key: record[key] for key in self.members[0]})

    def _chunk(self, path: Path) -> Chunk:
        """The members of a file, none of a file that is not ours."""
        if path.stem == WHOLE:
            return tuple(range(len(self.members)))
        numbers = path.stem.removeprefix(SOME).split("-")
        return tuple(map(int, numbers)) if all(n.isdigit() for n in numbers) else ()

    def _is_ours(self, chunk: Chunk) -> bool:
        note, _ = self.of(chunk).read()
        return bool(note["fingerprint"] == self.fingerprint)


def _checksum(note: Mapping[str, Any], arrays: io.Arrays) -> str:
    """Of all that is known of a state and of its arrays, their types and shapes included."""
    found = hashlib.sha256(json.dumps(note).encode())
    for name, array in arrays.items():
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.data)
    return found.hexdigest()
