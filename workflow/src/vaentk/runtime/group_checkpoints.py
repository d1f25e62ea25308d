"""Checkpoints of an ensemble, a file for each group of members that is trained side by side.

Which members a group has, its file's name tells. A group that does not fit into the memory hands
its checkpoint on to its parts; and a run that is taken up again has the groups that it had.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from vaentk.runtime import io
from vaentk.runtime.checkpoints import Checkpoint, Record

Places = tuple[int, ...]
"""Members by their place in the ensemble."""

ALL: Final = "ensemble"
SOME: Final = "members-"


@dataclass(frozen=True)
class GroupCheckpoints:
    """The checkpoints of one ensemble's groups.

    Attributes
    ----------
    folder : Path
    fingerprint : str
        Of all that a state depends on, but for the groups.
    seconds : float
        Between two times that a group is saved.
    members : sequence
        What tells the members apart, in their order.
    member_of : callable
        The same of a record.
    """

    folder: Path
    fingerprint: str
    seconds: float
    members: Sequence[Hashable]
    member_of: Callable[[Record], Hashable]

    def of(self, group: Places) -> Checkpoint:
        """The checkpoint of a group."""
        return Checkpoint(self._path(group), self.fingerprint, self.seconds)

    def groups(self, size: int) -> list[Places]:
        """Groups of a size, by their first member; one that has a checkpoint stays as it was."""
        left, found = set(range(len(self.members))), []
        for group in sorted(map(self._group, self.folder.glob("*.safetensors")), key=len)[::-1]:
            if group and left.issuperset(group) and self._is_ours(group):
                found.append(group)
                left.difference_update(group)
        rest = sorted(left)
        found += [tuple(rest[start : start + size]) for start in range(0, len(rest), size)]
        return sorted(found)

    def divide(self, group: Places, parts: Sequence[Places]) -> None:
        """Hand a group's checkpoint, if it has one, on to its parts."""
        path = self._path(group)
        if not path.exists() or not self._is_ours(group):
            return
        note, tensors = json.loads(io.read_note(path)), io.map_tensors(path)
        for part in parts:
            chosen = [group.index(place) for place in part]
            named = {self.members[place] for place in part}
            records = [row for row in note["records"] if self.member_of(row) in named]
            state = {name: tensors[name][chosen] for name in note["names"]}
            self.of(part).save(note["step"], state, records)
        path.unlink()

    def united(
        self, found: Iterable[tuple[Places, dict[str, Tensor], list[Record]]]
    ) -> tuple[dict[str, Tensor], list[Record]]:
        """Tensors (S, ...) and records of all members, from those of groups, as if of one group."""
        groups = list(found)
        places = [place for group, _, _ in groups for place in group]
        order = [places.index(place) for place in range(len(places))]
        tensors = groups[0][1]
        if len(groups) > 1:
            parts = {name: [of_group[name] for _, of_group, _ in groups] for name in tensors}
            tensors = {name: torch.cat(part)[order] for name, part in parts.items()}
        place_of = {member: place for place, member in enumerate(self.members)}
        records = [row for _, _, of_group in groups for row in of_group]
        records.sort(key=lambda row: (row["step"], place_of[self.member_of(row)]))
        return tensors, records

    def _path(self, group: Places) -> Path:
        whole = len(group) == len(self.members)
        name = ALL if whole else f"{SOME}{'-'.join(map(str, group))}"
        return self.folder / f"{name}.safetensors"

    def _group(self, path: Path) -> Places:
        """The members of a file, none of a file that is not ours."""
        if path.stem == ALL:
            return tuple(range(len(self.members)))
        numbers = path.stem.removeprefix(SOME).split("-")
        return tuple(map(int, numbers)) if all(n.isdigit() for n in numbers) else ()

    def _is_ours(self, group: Places) -> bool:
        note = json.loads(io.read_note(self._path(group)))
        return bool(note["fingerprint"] == self.fingerprint)
