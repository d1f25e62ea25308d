"""Members of an ensemble in groups that fit the memory of a GPU; smaller ones when it is full."""

import gc
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import torch

from vaentk.runtime.job import is_full, log

Member = TypeVar("Member")
Found = TypeVar("Found")

RESERVE: Final = 1 << 30
KEPT_FREE: Final = 0.15
"""Of the free memory of a GPU, what members may not fill: bytes for CUDA's libraries, and a part
for their workspaces, for fragments and for what an estimate leaves out."""


def fitting(members: int, each: float, device: str) -> int:
    """How many members to train side by side: all on a CPU, on a GPU what its free memory holds.

    Parameters
    ----------
    members : int
    each : float
        Bytes of one, as `vaentk.costs.footprints` estimates them.
    device : str
        ``cpu`` or ``cuda``.
    """
    if device != "cuda":
        return members
    free, _ = torch.cuda.mem_get_info()
    free += torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # torch's own, unused
    room = (1 - KEPT_FREE) * free - RESERVE
    size = max(1, min(members, math.floor(room / each)))
    if size < members:
        parts = math.ceil(members / size)
        size = math.ceil(members / parts)  # as even as can be
        log.info("%d of %d members side by side: %.1f GB are free", size, members, free / 1e9)
    return size


def in_groups(
    groups: Iterable[tuple[Member, ...]],
    work: Callable[[tuple[Member, ...]], Found],
    split: Callable[[tuple[Member, ...], Sequence[tuple[Member, ...]]], None] | None = None,
) -> list[tuple[tuple[Member, ...], Found]]:
    """Work on groups of members in turn; halve those that do not fit into the memory.

    On a CPU a member's result is the same in any group. On a GPU its last digits may differ with
    the size of its group, because libraries choose their kernels by the shapes they are given.

    Parameters
    ----------
    groups : iterable of tuple
    work : callable
        Of a group; takes up what a checkpoint has of it.
    split : callable, optional
        Called with a group that did not fit and its parts, to hand its checkpoint on.

    Returns
    -------
    list of tuple
        Groups as they were in the end, in the order of their members, and what was found.

    Raises
    ------
    Exception
        What `work` raises; of full memories that of a single member.
    """
    waiting, found = list(groups), []
    most = max((len(group) for group in waiting), default=0)
    while waiting:
        group = waiting.pop(0)
        if len(group) > most:  # another did not fit at this size
            waiting[:0] = _divided(group, most, split)
            continue
        done, full = _attempted(group, work)
        if not full:
            found.append((group, done[0]))
            continue
        most = len(group) // 2
        say_full(f"{len(group)} members side by side", f"groups of {most}")
        release()
        waiting[:0] = _divided(group, most, split)
    return found


def say_full(what: str, instead: str) -> None:
    """Say in the log and on standard error what did not fit, and what comes in its place."""
    sentence = f"out of memory with {what}: going on with {instead}"
    log.warning(sentence)
    print(f"vaentk: {sentence}", file=sys.stderr)


def release() -> None:
    """Give back the memory that nobody holds."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _attempted(
    group: tuple[Member, ...], work: Callable[[tuple[Member, ...]], Found]
) -> tuple[list[Found], bool]:
    """Work on a group: what it gave in a list, and whether the memory was full.

    The error ends here and with it its traceback, which holds the tensors that filled the memory.
    """
    try:
        return [work(group)], False
    except (RuntimeError, MemoryError) as error:
        if len(group) == 1 or not is_full(error):
            raise
        return [], True


def _divided(
    group: tuple[Member, ...],
    size: int,
    split: Callable[[tuple[Member, ...], Sequence[tuple[Member, ...]]], None] | None,
) -> list[tuple[Member, ...]]:
    """Divide a group into parts of a size, and its checkpoint with it."""
    parts = [group[start : start + size] for start in range(0, len(group), size)]
    if split is not None:
        split(group, parts)
    return parts
