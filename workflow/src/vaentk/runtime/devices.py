"""Where jobs compute, and that they compute the same way every time."""

import ctypes
import os
from contextlib import suppress

import torch

from vaentk.errors import UserError
from vaentk.runtime.gpu import claim_gpu, gpu_at_hand

MALLOC = {-3: 32 << 20, -1: 2**31 - 1, -8: 1}
"""glibc's M_MMAP_THRESHOLD (its maximum), M_TRIM_THRESHOLD and M_ARENA_MAX (threads share)."""


def prepare_torch(wanted: str, deterministic: bool = True) -> str:
    """Choose ``cpu`` or ``cuda`` and make torch compute on it the same way every time.

    Unless it is ``deterministic`` a GPU's libraries try several algorithms and take the fastest.
    Products are in full single precision either way but where a model's precision is TF32, and a
    CPU repeats its bytes either way.

    Raises
    ------
    UserError
        When a GPU is asked for and there is none.
    """
    one_thread()
    keep_freed_memory()
    if deterministic:  # before CUDA starts
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if not gpu_at_hand(wanted):
        return "cpu"
    fraction = claim_gpu(torch.cuda.device_count())
    if not torch.cuda.is_available():
        raise UserError("device is cuda, but torch finds no GPU: set device: auto or cpu")
    # On a CPU what we call is deterministic on one thread, and this costs seconds of imports.
    torch.use_deterministic_algorithms(deterministic)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if fraction < 1:
        torch.cuda.set_per_process_memory_fraction(fraction)
    return "cuda"


def one_thread() -> None:
    """Make torch use one thread, so that results do not depend on the number of cores."""
    torch.set_num_threads(1)


def keep_freed_memory() -> None:
    """Make glibc keep freed memory instead of returning it to the kernel, which zeroes it anew.

    A training step frees and asks again for the same buffers: this saves a tenth of its time. With
    another C library nothing is changed.
    """
    with suppress(OSError, AttributeError):
        for option, value in MALLOC.items():
            ctypes.CDLL("libc.so.6").mallopt(option, value)
