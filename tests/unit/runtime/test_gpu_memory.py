"""On a real GPU: estimates of memory, chunks that do not fit, repeated bytes and their cost."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.experiments.latents.training import train_vaes
from vaentk.models.conv_vae import ConvVAE
from vaentk.runtime import devices
from vaentk.runtime.job import Job
from vaentk.training import footprints
from vaentk.training.minibatch import Member, Recipe, initial_state, train
from vaentk.training.state import State

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
MEMBERS = tuple(Member(seed, 1.0) for seed in range(4))
MODEL = ConvVAE(1, 10)
RECIPE = Recipe(steps=50, batch=256, learning_rate=1e-3, record_every=10)


@pytest.fixture
def images() -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(64, (99, 1, 64, 64), generator=generator, dtype=torch.uint8)
    facts = Facts("noise", "noise", "drawn", "", (1, 64, 64), 99)
    return ImageSet(facts, pixels).to("cuda")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave nothing of a test's settings and memory to the next one."""
    benchmark = torch.backends.cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = benchmark
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def trained(images: ImageSet, members: tuple[Member, ...] = MEMBERS) -> State:
    return train(MODEL, images, members, RECIPE, initial_state(MODEL, members, "cuda"))


def most_bytes(images: ImageSet, members: tuple[Member, ...]) -> int:
    """What training takes at its most, beside the images."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    trained(images, members)
    return torch.cuda.max_memory_reserved() - before


def test_the_estimate_holds_what_a_member_takes(images: ImageSet) -> None:
    """But for the reserve, which is the libraries'."""
    one, four = (most_bytes(images, MEMBERS[:count]) for count in (1, 4))
    each = (four - one) / 3
    estimate = footprints.vae_member(MODEL, RECIPE.batch)
    print(f"a member takes {each / 1e6:.0f} MB, the estimate is {estimate / 1e6:.0f} MB")
    assert each < 1.2 * estimate
    assert estimate < 4 * each


def test_a_real_full_memory_halves_the_ensemble(
    images: ImageSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends where all four end, to rounding."""
    whole = trained(images)
    two, four = (most_bytes(images, MEMBERS[:count]) for count in (2, 4))
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((two + four) / 2 / total)
    params = {"checkpoint_seconds": 0.0}
    job = Job({}, {}, {}, params, threads=1, device="cuda", log_file=tmp_path / "log")
    found = train_vaes(MODEL, images, MEMBERS, RECIPE, job)
    said = capsys.readouterr().err
    assert said.count("out of memory with 4 members side by side: going on with chunks of 2") == 1
    assert [(r["seed"], r["step"]) for r in found.records] == [
        (r["seed"], r["step"]) for r in whole.records
    ]
    for ours, theirs in zip(found.records, whole.records, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-3)


def test_deterministic_runs_repeat_their_bytes_and_their_cost_is_printed(
    images: ImageSet,
) -> None:
    seconds = {}
    for deterministic in (True, False):
        devices.prepare_torch("cuda", deterministic)
        trained(images)  # libraries choose and warm up
        torch.cuda.synchronize()
        start = time.perf_counter()
        found = trained(images)
        torch.cuda.synchronize()
        seconds[deterministic] = time.perf_counter() - start
        assert not torch.backends.cuda.matmul.allow_tf32
        if deterministic:
            again = trained(images)
            assert all(torch.equal(again.tensors[n], t) for n, t in found.tensors.items())
    print(f"deterministic: {seconds[True]:.2f} s, otherwise: {seconds[False]:.2f} s")
