"""Chunks of members: how many fit, and what happens to those that do not."""

import logging
from collections.abc import Sequence

import pytest
import torch

from vaentk.runtime import memory
from vaentk.runtime.job import is_full

GB = 1 << 30


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A GPU by what it says of its memory."""
    said = {"free": 11 * GB, "reserved": 2 * GB, "allocated": 2 * GB, "fraction": 1.0}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (said["free"], 80 * GB))
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda: said["fraction"])
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: said["reserved"])
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: said["allocated"])
    return said


def test_a_cpu_takes_all_members() -> None:
    assert memory.fitting(7, 1e15, "cpu") == 7


def test_a_gpu_takes_what_its_free_memory_holds_but_for_the_reserve(gpu: dict[str, float]) -> None:
    """0.85 of 11 GB less 1 GB is 8.35 GB: four of 2 GB, which of 5 members makes 3 and 2."""
    assert memory.fitting(4, 2 * GB, "cuda") == 4
    assert memory.fitting(5, 2 * GB, "cuda") == 3
    assert memory.fitting(100, GB / 12, "cuda") == 100
    assert memory.fitting(5, 1e15, "cuda") == 1
    gpu["reserved"] += 4 * GB  # torch holds them, and nobody uses them
    assert memory.fitting(5, 2 * GB, "cuda") == 5


def test_beside_another_job_a_gpu_gives_no_more_than_this_one_may_have(
    gpu: dict[str, float],
) -> None:
    """A tenth of 80 GB is 8, of which 2 are in use: 0.85 of 6 GB less 1 GB is 4.1 GB."""
    gpu["fraction"] = 0.1
    assert memory.fitting(100, GB, "cuda") == 4
    gpu["fraction"] = 0.5
    assert memory.fitting(4, 2 * GB, "cuda") == 4, "the other job has the rest"


def nothing(chunk: object, parts: object) -> None:
    """Nothing is divided with a chunk."""


def full(more_than: int, seen: list[tuple[str, ...]]) -> object:
    def work(chunk: tuple[str, ...]) -> str:
        seen.append(chunk)
        if len(chunk) > more_than:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return "".join(chunk)

    return work


def test_a_full_memory_halves_chunks_says_so_once_and_loses_nobody(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[str, ...]] = []
    with caplog.at_level(logging.WARNING, logger="vaentk"):
        found = memory.in_chunks([tuple("abcde"), tuple("fghij")], full(2, seen), nothing)
    assert [text for _, text in found] == ["ab", "cd", "e", "fg", "hi", "j"]
    assert seen.count(tuple("fghij")) == 0  # what did not fit once is not tried again
    said = "out of memory with 5 members side by side: going on with chunks of 2"
    assert caplog.messages == [said]
    assert capsys.readouterr().err == f"vaentk: {said}\n"


def test_halving_goes_down_to_one_and_then_the_error_stays() -> None:
    seen: list[tuple[str, ...]] = []
    with pytest.raises(torch.cuda.OutOfMemoryError, match=r"Tried to allocate 2\.00 GiB"):
        memory.in_chunks([tuple("abcd")], full(0, seen), nothing)
    assert [len(chunk) for chunk in seen] == [4, 2, 1]


def test_another_error_is_not_taken_for_a_full_memory() -> None:
    def work(_: tuple[int, ...]) -> None:
        raise RuntimeError("shapes do not agree")

    with pytest.raises(RuntimeError, match="shapes"):
        memory.in_chunks([(0, 1)], work, nothing)


def test_parts_are_told_so_that_they_take_the_checkpoint() -> None:
    told: list[tuple[tuple[int, ...], list[tuple[int, ...]]]] = []

    def split(chunk: tuple[int, ...], parts: Sequence[tuple[int, ...]]) -> None:
        told.append((chunk, list(parts)))

    def work(chunk: tuple[int, ...]) -> None:
        if len(chunk) > 1:
            raise MemoryError

    memory.in_chunks([(0, 1, 2)], work, split)
    assert told == [((0, 1, 2), [(0,), (1,), (2,)])]


def test_an_error_that_a_full_memory_led_to_is_one() -> None:
    """As when the recording of a graph is ended after its operations did not fit."""
    error = RuntimeError("operation failed due to a previous error during capture")
    error.__context__ = torch.cuda.OutOfMemoryError("CUDA out of memory")
    assert is_full(error)
    assert is_full(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert is_full(RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"))
    assert not is_full(RuntimeError("CUDA error: misaligned address"))
    assert not is_full(ValueError("out of memory"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_real_full_memory_is_halved_and_its_tensors_are_given_back() -> None:
    """Each member asks for 0.4 of the free memory: three do not fit, one does, again and again."""
    free, _ = torch.cuda.mem_get_info()
    each = int(0.4 * free)

    def work(chunk: tuple[int, ...]) -> int:
        return len([torch.empty(each, dtype=torch.uint8, device="cuda") for _ in chunk])

    found = memory.in_chunks([(0, 1, 2)], work, nothing)
    assert [chunk for chunk, _ in found] == [(0,), (1,), (2,)]
