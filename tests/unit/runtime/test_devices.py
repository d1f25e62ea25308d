"""Where jobs compute: what is found, what is refused, and that a GPU is told to repeat itself."""

import os
from types import SimpleNamespace

import pytest
import torch

from vaentk.errors import UserError
from vaentk.runtime import devices, gpu


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_what_is_there_and_cuda_is_believed(
    monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """A cluster's login node has no GPU, and its jobs ask for one all the same."""
    monkeypatch.setattr(gpu.ctypes, "CDLL", lambda name: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    asked = {wanted: gpu.gpu_at_hand(wanted) for wanted in ("auto", "cpu", "cuda")}
    assert asked == {"auto": there, "cpu": False, "cuda": True}


def test_no_driver_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(gpu.ctypes, "CDLL", load)
    monkeypatch.setattr(torch.cuda, "is_available", None)
    assert not gpu.gpu_at_hand("auto")


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_gpu_repeats_itself_unless_told_otherwise_and_has_no_tf32_ever(
    monkeypatch: pytest.MonkeyPatch, deterministic: bool
) -> None:
    asked: list[bool] = []
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(devices, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(gpu.ctypes, "CDLL", lambda name: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", asked.append)
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    monkeypatch.setattr(torch.backends, "cudnn", SimpleNamespace(allow_tf32=True))
    matmul = SimpleNamespace(allow_tf32=True)
    monkeypatch.setattr(torch.backends, "cuda", SimpleNamespace(matmul=matmul))
    assert devices.prepare_torch("auto", deterministic) == "cuda"
    assert asked == [deterministic]
    assert torch.backends.cudnn.benchmark is not deterministic
    assert not torch.backends.cudnn.allow_tf32
    assert not matmul.allow_tf32
    assert (os.environ.get("CUBLAS_WORKSPACE_CONFIG") == ":4096:8") is deterministic


@pytest.mark.parametrize(("at_once", "limits"), [("1", []), ("2", [0.5])])
def test_two_jobs_on_a_gpu_have_half_of_its_memory_each(
    monkeypatch: pytest.MonkeyPatch, at_once: str, limits: list[float]
) -> None:
    asked: list[float] = []
    monkeypatch.setenv(gpu.AT_ONCE, at_once)
    monkeypatch.setattr(devices, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", asked.append)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda wanted: None)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    assert devices.prepare_torch("cuda") == "cuda"
    assert asked == limits


def test_a_cpu_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "use_deterministic_algorithms", None)
    assert devices.prepare_torch("cpu", deterministic=False) == "cpu"


def test_a_missing_gpu_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="device is cuda, but torch finds no GPU"):
        devices.prepare_torch("cuda")


def test_freed_memory_is_kept_by_three_options_of_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the numbers of glibc's malloc.h, which no binding of Python has."""
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8
    asked = {}
    library = SimpleNamespace(mallopt=asked.__setitem__)
    monkeypatch.setattr(devices.ctypes, "CDLL", {"libc.so.6": library}.__getitem__)
    devices.keep_freed_memory()
    assert asked == {mmap_threshold: 32 * 2**20, trim_threshold: 2**31 - 1, arena_max: 1}


@pytest.mark.parametrize("has_library", [True, False])
def test_another_c_library_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, has_library: bool
) -> None:
    """One without mallopt under glibc's name, or none of that name."""

    def load(name: str) -> SimpleNamespace:
        loaded.append(name)
        if has_library:
            return SimpleNamespace()
        raise OSError(f"{name}: cannot open shared object file")

    loaded: list[str] = []
    monkeypatch.setattr(devices.ctypes, "CDLL", load)
    devices.keep_freed_memory()
    assert loaded == ["libc.so.6"]
