"""Whether there is a GPU, asked without torch where there is none, and a job's part of it."""

import ctypes
import fcntl
import os
import tempfile
from contextlib import suppress
from itertools import product
from math import ceil
from pathlib import Path
from typing import IO, Final

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"

AT_ONCE: Final = "VAENTK_GPU_JOBS"
"""How many jobs at once the workflow starts on the GPUs of this machine, told to them by it."""

_held: list[IO[str]] = []
"""The lock of this process's place: it is free again when the process has ended, however it did."""


def gpu_at_hand(wanted: str) -> bool:
    """Say whether a job that computes on a device of the settings will use a GPU.

    ``cuda``: yes, wherever this is asked, as on a cluster's login node that has none; ``cpu``: no;
    ``auto``: if this machine has one.
    """
    if wanted != "auto":
        return wanted == "cuda"
    try:
        ctypes.CDLL("libcuda.so.1")  # the driver: without it torch finds none, seconds later
    except OSError:
        return False
    # Asked of the driver's library, so that CUDA does not start before a GPU is chosen.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    import torch

    return torch.cuda.is_available()


def claim_gpu(count: int) -> float:
    """Choose the GPU that this process computes on, and tell which fraction of its memory it has.

    To be called before CUDA starts, with the number of GPUs that it would see. All have as many
    places as `AT_ONCE` needs, with an equal part of the memory each; the jobs of this user take
    them in turn, a place of every GPU before another of the first. Where all are taken, as by a
    second run, the first is shared.
    """
    named = os.environ.get(VISIBLE)
    devices = [*map(str, range(count))] if named is None else [d for d in named.split(",") if d]
    places = ceil(int(os.environ.get(AT_ONCE, 1)) / max(len(devices), 1))
    if len(devices) > 1:
        os.environ[VISIBLE] = _free_one(devices, places)
    return 1 / places


def _free_one(devices: list[str], places: int) -> str:
    """Lock the first place that is free, and give its GPU."""
    folder = Path(tempfile.gettempdir()) / f"vaentk-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for place, device in product(range(places), devices):
        lock = (folder / f"gpu-{device}-{place}").open("a")
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _held.append(lock)
            return device
        lock.close()
    return devices[0]
