"""Kernels of a GPU, as C++ of single elements compiled for the CPU, against the formulas.

What a GPU's compiler makes of the same lines is seen on a GPU alone.
"""

import ctypes
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from vaentk import activations, fused
from vaentk.activations import ACTIVATIONS, quadrature, soft_clip
from vaentk.models import tanh_smoothing
from vaentk.models.tanh_smoothing import LADDER, TanhSmoother, rule

Compiled = Callable[..., list[Tensor]]
CLIPS = [(1.0, 0.0, 50.0), (5.0, -20.0, 20.0), (10.0, -50.0, 50.0)]
NAMES = {torch.float32: "float", torch.float64: "double"}


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str, torch.dtype], Compiled]:
    """Compile a function of elements into one of tensors."""
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler")

    def compile_one(code: str, dtype: torch.dtype) -> Compiled:
        head = re.match(r"template <typename T> (T|void) (\w+)\(([^)]*)\)", code)
        assert head, "what torch's jiterator reads"
        kind, name, listed = NAMES[dtype], head[2], head[3].split(",")
        outputs = [part for part in listed if "&" in part]
        inputs = len(listed) - len(outputs)
        count = inputs + max(1, len(outputs))
        calls = ", ".join(f"a[{place}][i]" for place in range(inputs + len(outputs)))
        target = "" if outputs else f"a[{inputs}][i] = "
        source = f"""#include <cmath>
            using namespace std;
            {code}
            extern "C" void run({kind}** a, long n) {{
                for (long i = 0; i < n; ++i) {target}{name}<{kind}>({calls});
            }}"""
        library = tmp_path / f"{name}.so"
        command = ["g++", "-O1", "-shared", "-fPIC", "-x", "c++", "-", "-o", str(library)]
        subprocess.run(command, input=source, text=True, check=True)
        run = ctypes.CDLL(str(library)).run

        def of_tensors(*tensors: Tensor) -> list[Tensor]:
            given = [tensor.contiguous() for tensor in tensors]
            given += [torch.full_like(given[0], torch.nan) for _ in range(count - inputs)]
            addresses = (ctypes.c_void_p * count)(*(tensor.data_ptr() for tensor in given))
            run(addresses, ctypes.c_long(given[0].numel()))
            return given[inputs:]

        return of_tensors

    return compile_one


@pytest.mark.parametrize("bounds", CLIPS)
def test_soft_clipping_and_its_slope(
    bounds: tuple[float, float, float], compiled: Callable[..., Compiled]
) -> None:
    """To single precision of the value, over all of the bounds and far outside them."""
    z = torch.cat([torch.linspace(-60, 60, 4801), torch.tensor([-1e4, 1e4])])
    exact = z.double().requires_grad_()
    value = soft_clip(exact, *bounds)
    value.sum().backward()  # type: ignore[no-untyped-call]
    [found] = compiled(activations.clipped_code(*bounds), torch.float32)(z)
    assert exact.grad is not None
    gradient = torch.linspace(-3, 3, len(z))
    back = compiled(activations.clipped_back_code(*bounds), torch.float32)
    [slope] = back(z, gradient)
    torch.testing.assert_close(found.double(), value.detach(), rtol=3e-7, atol=3e-7)
    torch.testing.assert_close(slope.double(), gradient * exact.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "tolerance", "error"), [(torch.float32, 5e-7, 2e-6), (torch.float64, 1e-12, 3e-12)]
)
@pytest.mark.parametrize("reach", LADDER[:8:3])
def test_tanh_is_smoothed(
    dtype: torch.dtype,
    tolerance: float,
    error: float,
    reach: float,
    compiled: Callable[..., Compiled],
) -> None:
    """As `test_tanh_smoothing` has it: c, a and b against quadrature in float64."""
    u, s = torch.meshgrid(torch.linspace(-9, 9, 61), torch.linspace(0, 1, 9), indexing="ij")
    u, v = u.flatten().to(dtype), (reach * s.flatten()).square().to(dtype)
    chosen = rule(reach, tolerance)
    numbers = chosen.spacing, [*chosen.weights]
    exact = quadrature(ACTIVATIONS["tanh"], u.double(), v.double(), 400)
    by_torch = tanh_smoothing.smoothed(u, v, *numbers)
    by_kernel = compiled(tanh_smoothing.smoothed_code(*numbers), dtype)(u, v)
    for found in (by_torch, by_kernel):
        for values, wanted in zip((*found[:2], 2 * found[2]), exact, strict=True):
            assert float((values.double() - wanted).abs().max()) < error


class Counting(TorchDispatchMode):
    """How many kernels would be launched: operations that are no views."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not func.is_view and "empty" not in str(func):
            self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def kernels(work: Callable[[], object]) -> int:
    with Counting() as counted:
        work()
    return len(counted.names)


def test_soft_clipping_takes_two_kernels_and_took_seven_times_as_many(gpu: None) -> None:
    def work(device: str) -> int:
        z = torch.linspace(-3, 60, 100).to(device).requires_grad_()
        gradient = torch.ones(100).to(device)
        return kernels(lambda: torch.autograd.grad(soft_clip(z, 5.0, 0.0, 50.0), z, gradient))

    assert work("cuda") == 2
    assert work("cpu") >= 14


def test_smoothing_tanh_takes_four_kernels_and_took_nine_times_as_many(gpu: None) -> None:
    def work(device: str) -> int:
        tensors = [torch.full((100,), 0.1).to(device) for _ in range(5)]
        smooth = TanhSmoother(*tensors, tolerance=5e-7, max_std=0.37)
        smooth()
        return kernels(smooth)

    assert work("cuda") == 4
    assert work("cpu") >= 36


def test_on_a_gpu_the_kernel_is_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    launched = []
    monkeypatch.setattr(fused, "_kernel", lambda code, _: launched.append(code) or torch.neg)
    run = fused.fused("twice", twice, lambda number: f"T twice(T x) {{ {number} }}", 1)
    assert run(torch.ones(2), 2.0).tolist() == [2.0, 2.0]
    by_key = torch._C._dispatch_has_kernel_for_dispatch_key("vaentk::twice", "CUDA")
    assert by_key


def twice(x: Tensor, number: float) -> Tensor:
    """An operator's formula."""
    return x * number


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_a_gpu_a_kernel_gives_what_the_formula_gives(dtype: torch.dtype, gpu: None) -> None:
    """On a real one this is what its compiler made of the code."""
    z = torch.linspace(-30, 70, 401)
    gradient = torch.linspace(-2, 2, 401)
    for bounds in CLIPS:
        exact = z.to(dtype).double().requires_grad_()
        value = soft_clip(exact, *bounds)
        (slope,) = torch.autograd.grad(value, exact, gradient.to(dtype).double())
        there = z.to("cuda").to(dtype).requires_grad_()
        found = soft_clip(there, *bounds)
        (back,) = torch.autograd.grad(found, there, gradient.to("cuda").to(dtype))
        error = 1e-5 if dtype == torch.float32 else 2e-2
        near = {"rtol": error, "atol": error}
        torch.testing.assert_close(found.detach().cpu().double(), value.detach(), **near)
        torch.testing.assert_close(back.cpu().double(), slope, **near)
    u, v = (torch.linspace(low, high, 99) for low, high in ((-4.0, 4.0), (0.0, 0.13)))
    out = [torch.full_like(u, torch.nan) for _ in range(3)]
    given = [tensor.to("cuda") for tensor in (u, v, *out)]
    TanhSmoother(*given, tolerance=5e-7, max_std=0.37)()
    exact3 = quadrature(ACTIVATIONS["tanh"], u.double(), v.double(), 400)
    for found, wanted, scale in zip(given[2:], exact3, (1, 1, 2), strict=True):
        assert float((scale * found.cpu().double() - wanted).abs().max()) < 2e-6


CODES = {
    "soft_clip": (activations.clipped_code(1.0, 0.0, 50.0), False),
    "soft_clip_back": (activations.clipped_back_code(1.0, 0.0, 50.0), False),
    "smoothed": (tanh_smoothing.smoothed_code(0.5, [0.25, 0.25]), True),
}


@pytest.mark.parametrize("name", CODES)
def test_torch_reads_the_code_as_it_is_meant(name: str) -> None:
    code, by_reference = CODES[name]
    read = torch.cuda.jiterator._CodeParser(code)
    assert read.function_name == name
    assert read.return_type == ("void" if by_reference else "T")
    assert read.template_params == "<typename T>"


def test_numbers_of_the_code_are_whole() -> None:
    """A float written in Python is the same one in C++."""
    chosen = rule(0.37, 5e-7)
    code = tanh_smoothing.smoothed_code(chosen.spacing, [*chosen.weights])
    listed = re.search(r"weights\[\] = \{([^}]*)\}", code)
    assert listed
    assert np.array(listed[1].split(","), float).tolist() == [*chosen.weights]
