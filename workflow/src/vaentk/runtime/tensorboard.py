"""What TensorBoard shows of members while they train."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from torch.utils.tensorboard import SummaryWriter

from vaentk.runtime.checkpoints import Member
from vaentk.training.state import State

PICTURED: Final = 10
"""Times in a training that pictures are shown."""

NOT_SHOWN: Final = {"seed", "beta", "step", "time", "epoch"}
"""Columns of records that say of whom and when a row is."""

Pictures = Callable[[SummaryWriter, Sequence[str], State], None]
"""Shows more of a state than its records, each member's under its name."""


class Events:
    """Records as scalars as they come and, ten times in a training of so many steps, pictures.

    The state is where members start, or go on: what was written later, before the job was killed,
    is dropped from the folder.
    """

    def __init__(
        self,
        folder: Path,
        members: Sequence[Member],
        state: State,
        steps: int,
        pictures: Pictures | None = None,
    ) -> None:
        self.writer = SummaryWriter(str(folder), purge_step=state.step)
        self.members, self.pictures = members, pictures
        self.every = max(1, steps // PICTURED)
        self.written = len(state.records)
        self.pictured = state.step // self.every

    def close(self) -> None:
        """Write what is not yet written."""
        self.writer.close()

    def show(self, state: State) -> None:
        """Write what is new in a state."""
        for record in state.records[self.written :]:
            member = name_of({key: record[key] for key in self.members[0]})
            for name in record.keys() - NOT_SHOWN:
                self.writer.add_scalar(f"{name}/{member}", record[name], int(record["step"]))
        self.written = len(state.records)
        if self.pictures is not None and state.step // self.every > self.pictured:
            self.pictured = state.step // self.every
            self.pictures(self.writer, [name_of(member) for member in self.members], state)


def name_of(member: Member) -> str:
    """Name a member, as ``seed-3-beta-0.5``."""
    return "-".join(f"{key}-{value:.12g}" for key, value in member.items())
