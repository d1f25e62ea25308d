"""What one job takes, and what it asks Snakemake for."""

from collections.abc import Collection
from dataclasses import dataclass
from math import ceil

from vaentk.costs.rates import DRIVER, LIBRARIES, MB, MINUTE

HEADROOM = 3
"""Of the time that a job asks a cluster for, over what is expected."""

LEAST_MINUTES, LEAST_MB, STEP_MB = 10, 1500, 500


@dataclass(frozen=True)
class Cost:
    """What one job takes.

    Attributes
    ----------
    seconds
        On its CPU cores.
    on_gpu
        Seconds on a GPU, of a job that would use one; else None.
    memory
        Bytes of the host's memory, at their most.
    disk
        Bytes of the files that it leaves.
    cores
        That it uses on a CPU.
    """

    seconds: float
    on_gpu: float | None = None
    memory: float = LIBRARIES
    disk: float = 2e5
    cores: int = 1

    def asks(
        self, gpu: bool, attempt: int = 1, pairs: Collection[tuple[int, int]] = ()
    ) -> dict[str, int]:
        """Return ``threads``, ``gpu``, ``mem_mb`` and ``runtime`` (minutes) that a job asks for.

        Parameters
        ----------
        gpu
            Whether jobs that can will use one; a single core feeds it.
        attempt
            From 1; memory and time are doubled with every further one.
        pairs
            Cores and megabytes that machines come with, where no others can be asked for.
        """
        on_gpu = gpu and self.on_gpu is not None
        seconds = self.on_gpu if on_gpu and self.on_gpu is not None else self.seconds
        minutes = max(LEAST_MINUTES, HEADROOM * seconds / MINUTE)
        memory = 1.5 * self.memory + (DRIVER if on_gpu else 0)
        again = 2 ** (attempt - 1)
        cores, mem_mb = self.cores, max(LEAST_MB, STEP_MB * ceil(memory / MB / STEP_MB)) * again
        cores = 1 if on_gpu else cores
        if pairs:
            most = min(cores, max(pairs)[0])
            enough = [pair for pair in pairs if pair[0] >= most and pair[1] >= mem_mb]
            cores, mem_mb = min(enough, default=max(pairs))
        return {
            "threads": cores,
            "gpu": int(on_gpu),
            "mem_mb": mem_mb,
            "runtime": ceil(minutes) * again,
        }
