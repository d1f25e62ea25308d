"""Whether there is a GPU, asked without torch where there is none."""

import ctypes


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
    import torch

    return torch.cuda.is_available()
