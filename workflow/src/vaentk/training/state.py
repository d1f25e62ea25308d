"""What a training goes on from: all that members need to end with the same bytes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Record = dict[str, Any]
"""A row of a table: numbers, and words that say what they are of, by column."""


@dataclass
class State:
    """Members side by side, between two updates."""

    step: int
    """Updates made."""
    tensors: dict[str, Tensor]
    """(S, ...) each, S members; those of one kind, as weights, under ``"<kind>/<name>"``."""
    records: list[Record] = field(default_factory=list)
    """What was observed so far, in order of step and member."""

    def part(self, kind: str) -> dict[str, Tensor]:
        """Return the tensors of a kind by their names, no copies."""
        prefix = f"{kind}/"
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }

    @property
    def observed(self) -> bool:
        """Whether the members were observed at this step."""
        return bool(self.records) and self.records[-1]["step"] == self.step


Tick = Callable[[State], None]
"""Called now and then with the state, which it may save and must not change."""


def no_tick(state: State) -> None:
    """Do nothing with a state."""
