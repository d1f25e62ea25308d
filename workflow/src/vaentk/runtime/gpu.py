"""Whether there is a GPU, asked without torch where there is none, and which one a job takes."""

import ctypes
import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"

_held: list[IO[str]] = []
"""The lock of this process's GPU: it is free again when the process has ended, however it did."""


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


def claim_gpu(count: int) -> None:
    """Choose a GPU that no other job of this user has, where the machine shows several.

    To be called before CUDA starts, with the number that is there. Where all are taken, as by
    more jobs at once than GPUs, the first is shared.
    """
    named = os.environ.get(VISIBLE)
    devices = [*map(str, range(count))] if named is None else [d for d in named.split(",") if d]
    if len(devices) < 2:
        return
    folder = Path(tempfile.gettempdir()) / f"vaentk-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for device in devices:
        lock = (folder / f"gpu-{device}").open("a")
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _held.append(lock)
            os.environ[VISIBLE] = device
            return
        lock.close()
    os.environ[VISIBLE] = devices[0]
