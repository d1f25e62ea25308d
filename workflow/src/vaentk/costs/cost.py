"""What one job takes, and what it asks Snakemake for."""

from collections.abc import Collection
from dataclasses import dataclass
from math import ceil

from vaentk.costs.cards import ANY, Load
from vaentk.costs.rates import DRIVER, LIBRARIES, MB, MINUTE

HEADROOM = 3
"""Of the time that a job asks a cluster for, over what is expected."""

LEAST_MINUTES, LEAST_MB, STEP_MB = 10, 1500, 500


@dataclass(frozen=True)
class Cost:
    """What one job takes.

    ``seconds`` are on its CPU ``cores``; ``load`` is what it asks of a GPU, of a job that would
    use one. ``memory`` is bytes of the host's, at their most; ``disk`` bytes of the files that it
    leaves.
    """

    seconds: float
    load: Load | None = None
    memory: float = LIBRARIES
    disk: float = 2e5
    cores: int = 1

    @property
    def on_gpu(self) -> float | None:
        """Seconds on a GPU that is not known."""
        return self.load.seconds(ANY) if self.load else None

    def asks(
        self, gpu: bool, attempt: int = 1, pairs: Collection[tuple[int, int]] = ()
    ) -> dict[str, int]:
        """Return ``threads``, ``gpu``, ``mem_mb`` and ``runtime`` (minutes) that a job asks for.

        ``gpu`` says whether jobs that can will use one; a single core feeds it. Memory and time are
        doubled with every further attempt. ``pairs`` are the cores and megabytes that machines come
        with, where no others can be asked for.
        """
        on_gpu = self.on_gpu if gpu else None
        cores, seconds, memory = self.cores, self.seconds, 1.5 * self.memory
        if on_gpu is not None:
            cores, seconds, memory = 1, on_gpu, memory + DRIVER
        again = 2 ** (attempt - 1)
        mem_mb = max(LEAST_MB, STEP_MB * ceil(memory / MB / STEP_MB)) * again
        if pairs:
            most = min(cores, max(pairs)[0])
            enough = [pair for pair in pairs if pair[0] >= most and pair[1] >= mem_mb]
            cores, mem_mb = min(enough, default=max(pairs))
        return {
            "threads": cores,
            "gpu": int(on_gpu is not None),
            "mem_mb": mem_mb,
            "runtime": ceil(max(LEAST_MINUTES, HEADROOM * seconds / MINUTE)) * again,
        }
