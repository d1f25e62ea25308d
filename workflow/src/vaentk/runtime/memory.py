"""Members in chunks that fit the memory of a GPU; smaller chunks when a memory is full."""

import gc
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar

import torch

from vaentk.runtime.job import is_full, log

Member = TypeVar("Member")
Result = TypeVar("Result")

RESERVE: Final = 1 << 30
KEPT_FREE: Final = 0.15
"""Of the free memory of a GPU, what members may not fill: bytes for CUDA's libraries, and a part
for their workspaces, for fragments and for what an estimate leaves out."""


def fitting(
    members: int, each: float, device: str, taken: float = 0.0, what: str = "members side by side"
) -> int:
    """How many members to train side by side: all on a CPU, on a GPU what its free memory holds.

    Of that no more counts than this process may have, beside another job on the same GPU.

    ``each`` has so many bytes, as `vaentk.training.footprints` estimates them, beside the bytes
    that are ``taken`` whatever their number. ``what`` says in the log what is counted.
    """
    if device != "cuda":
        return members
    free, total = torch.cuda.mem_get_info()
    held, used = torch.cuda.memory_reserved(), torch.cuda.memory_allocated()
    own = torch.cuda.get_per_process_memory_fraction() * total
    rest = min(free + held, own) - used  # what torch holds and does not use is free too
    room = (1 - KEPT_FREE) * rest - RESERVE - taken
    size = max(1, min(members, math.floor(room / each)))
    if size < members:
        parts = math.ceil(members / size)
        size = math.ceil(members / parts)  # as even as can be
        log.info("%d of %d %s: %.1f GB are free", size, members, what, rest / 1e9)
    return size


def in_chunks(
    chunks: Iterable[tuple[Member, ...]],
    work: Callable[[tuple[Member, ...]], Result],
    split: Callable[[tuple[Member, ...], Sequence[tuple[Member, ...]]], None],
) -> list[tuple[tuple[Member, ...], Result]]:
    """Work on chunks of members in turn; halve those that do not fit into the memory.

    On a CPU a member's result is the same in any chunk. On a GPU its last digits may differ with
    the size of its chunk, because libraries choose their kernels by the shapes they are given.

    ``split`` is called with a chunk that did not fit and its parts, to hand its checkpoint on.
    Chunks are returned as they were in the end, in the order of their members, with their results.
    What ``work`` raises is raised, of full memories that of a single member.
    """
    waiting, done = list(chunks), []
    most = max((len(chunk) for chunk in waiting), default=0)
    while waiting:
        chunk = waiting.pop(0)
        if len(chunk) <= most:
            results = attempted(partial(work, chunk), last=len(chunk) == 1)
            if results:
                done.append((chunk, *results))
                continue
            most = len(chunk) // 2
            say_full(f"{len(chunk)} members side by side", f"chunks of {most}")
        parts = [chunk[start : start + most] for start in range(0, len(chunk), most)]
        split(chunk, parts)
        waiting[:0] = parts
    return done


def attempted(work: Callable[[], Result], last: bool = False) -> tuple[Result] | None:
    """Work, and give the result alone in a tuple; None where the memory was full.

    The error ends here and with it its traceback, which holds the tensors that filled the memory.
    Where nothing smaller can be tried, on the ``last`` attempt, it is raised.
    """
    try:
        return (work(),)
    except (RuntimeError, MemoryError) as error:
        if last or not is_full(error):
            raise
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def say_full(what: str, instead: str) -> None:
    """Say in the log and on standard error what did not fit, and what comes in its place."""
    sentence = f"out of memory with {what}: going on with {instead}"
    log.warning(sentence)
    print(f"vaentk: {sentence}", file=sys.stderr)
