"""A job's cost, and the rates by which operations become seconds."""

from dataclasses import dataclass
from math import ceil
from typing import Final

MB: Final = 1 << 20
MINUTE: Final = 60

START: Final = 5.0
"""Seconds that a job with torch takes before it computes, measured."""

PRODUCTS: Final = 62e9
"""Floating-point operations a second of large matrix products on one core, measured."""

CONVOLUTIONS: Final = 30e9
"""The same of a convolutional VAE's update, measured."""

START_ON_GPU: Final = 20.0
ON_GPU: Final = 10e12
LAUNCH: Final = 1e-5
"""On a GPU: seconds before a job computes, operations a second (a sixth of an H200's rate in
float32) and seconds a kernel launched. Assumptions: nothing here was measured on a GPU."""

LIBRARIES: Final = 800 * MB
"""What a process with torch holds before it has data, measured."""

DRIVER: Final = 3000 * MB
"""What CUDA adds to it in the host's memory, assumed."""

HEADROOM: Final = 3
"""Of the time that a job asks a cluster for, over what is expected."""

LEAST_MINUTES: Final = 10
LEAST_MB: Final = 1500
STEP_MB: Final = 500


@dataclass(frozen=True)
class Cost:
    """What one job takes.

    Attributes
    ----------
    seconds : float
        On its CPU cores.
    on_gpu : float or None
        Seconds on a GPU, of a job that would use one.
    memory : float
        Bytes of the host's memory, at their most.
    disk : float
        Bytes of the files that it leaves.
    cores : int
        That it uses on a CPU.
    """

    seconds: float
    on_gpu: float | None = None
    memory: float = 200 * MB
    disk: float = 2e5
    cores: int = 1

    def takes(self, gpu: bool) -> float:
        """Seconds, on a GPU or on a CPU."""
        return self.on_gpu if gpu and self.on_gpu is not None else self.seconds

    def resources(self, gpu: bool, attempt: int = 1) -> dict[str, int]:
        """What a job asks for: ``gpu``, ``mem_mb`` and ``runtime`` in minutes.

        Parameters
        ----------
        gpu : bool
            Whether jobs that can will use one.
        attempt : int
            From 1; memory and time are doubled with every further one.
        """
        uses = gpu and self.on_gpu is not None
        memory = 1.5 * self.memory + (DRIVER if uses else 0)
        minutes = max(LEAST_MINUTES, HEADROOM * self.takes(gpu) / MINUTE)
        more = 2 ** (attempt - 1)
        return {
            "gpu": int(uses),
            "mem_mb": max(LEAST_MB, STEP_MB * ceil(memory / MB / STEP_MB)) * more,
            "runtime": ceil(minutes) * more,
        }
