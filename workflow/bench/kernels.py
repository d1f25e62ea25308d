"""Kernels and spectra against what a user would otherwise run, and against the machine's own rate.

The network is Eq. 2's with erf, in float32: 784 inputs, m = 1024 or 4096 units.
"""

import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from peers import (
    neural_tangents,
    quadrature_kernel,
    torch_func_kernel,
    torch_jvp_vjp,
    torch_linearized,
)
from timing import Line, images, line, side_by_side

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.kernels.finite import TangentKernel
from vaentk.kernels.kappa import kappas
from vaentk.kernels.krylov import Lanczos
from vaentk.kernels.limit import limit_kernels
from vaentk.kernels.spectrum import distance, least_eigenvalue
from vaentk.models.snn import StochasticNetwork

SIGMA0 = 0.5
ERF = Smoothing(ACTIVATIONS["erf"], 1.0)
LANCZOS_PRODUCTS = 400
"""Products after which Lanczos without preconditioning is given up."""


def weights(width: int, outputs: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Initial weights with some outputs only: W_mu, W_sigma (m, 784), W_d (m, outputs)."""
    rows = torch.empty(1, 784, dtype=dtype)
    drawn = StochasticNetwork(rows, width, SIGMA0, ERF).initial_weights((0,))
    member = {name: matrix[0] for name, matrix in drawn.items()}
    return member | {"d": member["d"][:, :outputs].contiguous()}


def explicit(python: str | None) -> list[Line]:
    """The explicit block and the trace over 10 outputs, and tanh's limit kernels."""
    w = weights(1024, 10, torch.float32)
    x = {n: torch.from_numpy(images(n, 28)).float() for n in (32, 128)}

    def trace(n: int) -> torch.Tensor:
        return TangentKernel.of(w, x[n], ERF).trace()

    ours, theirs = side_by_side(
        lambda: TangentKernel.of(w, x[32], ERF).block(), lambda: torch_func_kernel(w, x[32])
    )
    name = "explicit kernel block, n = 32, 10 outputs, m = 1024"
    lines = [line(name, "torch.func", 1e3 * ours, 1e3 * theirs, "ms", 100)]
    times: dict[tuple[str, int], float] = {("explicit", 32): ours}
    for n in (32, 128):
        (times["trace", n],) = side_by_side(partial(trace, n))
    (theirs,) = side_by_side(lambda: torch_func_kernel(w, x[32], trace=True))
    name = "trace over 10 outputs, n = {}, m = 1024"
    mine = times["trace", 32]
    lines.append(line(name.format(32), "torch.func", 1e3 * mine, 1e3 * theirs, "ms", 300))
    tanh = ACTIVATIONS["tanh"]
    inputs = images(128, 28)
    limit_kernels(tanh, SIGMA0, inputs)  # the series is kept
    (times["limit-float64", 128],) = side_by_side(lambda: limit_kernels(tanh, SIGMA0, inputs))
    if python is None:
        return lines
    with tempfile.TemporaryDirectory() as folder:
        arrays = {key: value.numpy() for key, value in w.items()}
        measured = neural_tangents(
            python, Path(folder), images(128, 28).astype(np.float32), arrays, trace=(32, 128)
        )
    said = {
        "explicit": ("explicit kernel block, n = {}, 10 outputs, m = 1024", 100),
        "trace": (name, 300),
        "limit-float64": ("limit kernels K_d, K_mu, K_sigma of tanh, n = {}" + error(), 100),
    }
    for found in measured:
        case, n = str(found["case"]), int(str(found["samples"]))
        if (case, n) not in times:
            continue
        words, goal = said[case]
        against = f"neural-tangents, {found['best']}"
        seconds = float(str(found["seconds"]))
        mine = 1e3 * times[case, n]
        lines.append(line(words.format(n), against, mine, 1e3 * seconds, "ms", goal))
    return lines


def error() -> str:
    """State the largest error of tanh's limit kernel against 2-D quadrature with 256 nodes."""
    x = images(8, 28)
    q = 1 + SIGMA0**2
    correlations = x @ x.T / q
    exact = quadrature_kernel(np.tanh, q, correlations, 256)
    at, _ = kappas(ACTIVATIONS["tanh"], q)
    gap = np.abs(at(correlations.ravel())[0] - exact.ravel()).max()
    return f" (error {gap:.0e})"


def products() -> list[Line]:
    """The implicit product at n = 128, d = 784, m = 4096, against torch and against sgemm."""
    w = weights(4096, 784, torch.float32)
    x = torch.from_numpy(images(128, 28)).float()
    kernel = TangentKernel.of(w, x, ERF)
    vector = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    traced = torch_linearized(w, x)
    square = torch.randn(2048, 2048)
    ours, theirs, once, product = side_by_side(
        lambda: kernel.matvec(vector),
        lambda: torch_jvp_vjp(w, x, vector),
        lambda: traced(vector),
        lambda: square @ square,
    )
    name = "implicit matvec, n = 128, d = 784, m = 4096"
    n, d, m = 128, 784, 4096
    operations = 4 * n * m * d + 4 * n * n * m + 2 * n * n * d
    rate, machine = 1e-9 * operations / ours, 2e-9 * 2048**3 / product
    return [
        line(name, "torch.func jvp after vjp", 1e3 * ours, 1e3 * theirs, "ms", 7),
        line(name, "the same, traced once", 1e3 * ours, 1e3 * once, "ms", 4),
        line(name, "measured sgemm, 2048 x 2048", rate, machine, "GFLOP/s", 0.75),
    ]


def spectrum() -> list[Line]:
    """lambda_min of the full operator to 1%, against Lanczos without a preconditioner."""
    w = weights(4096, 784, torch.float32)
    x = torch.from_numpy(images(128, 28)).float()
    kernel = TangentKernel.of(w, x, ERF)
    ours, *_ = side_by_side(lambda: least_eigenvalue(kernel), repetitions=5)
    found = least_eigenvalue(kernel)
    goal = 1.01 * least_eigenvalue(kernel, 1e-3).value
    count = 0

    def lanczos() -> None:
        nonlocal count
        start = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        process = Lanczos(kernel.matvec, start)
        while process.products < LANCZOS_PRODUCTS and process.extend():
            if process.products % 20 == 0 and process.ritz()[0][0] <= goal:
                break
        count = process.products

    (theirs,) = side_by_side(lanczos, repetitions=1)
    reached = count < LANCZOS_PRODUCTS
    against = f"Lanczos, {count} products" if reached else f"Lanczos, not there after {count}"
    name = f"lambda_min of Theta to 1%, n = 128, d = 784, m = 4096 ({found.products} products)"
    return [line(name, against, 1e3 * ours, 1e3 * theirs, "ms", 5)]


def memory() -> list[Line]:
    """Peak memory of everything at n = 128, d = 784, m = 16384, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "memory"], capture_output=True, text=True, check=True
    )
    peak = float(done.stdout.split()[-1])
    name = "memory: kernel, norm and lambda_min, float64, n = 128, d = 784, m = 16384"
    return [line(name, "2 GB", peak, 2.0, "GB", 1)]


def _everything() -> None:
    """Build the widest kernel and find its extreme eigenvalues; print the peak in GB."""
    x = images(128, 28)
    rows = torch.from_numpy(x)
    drawn = StochasticNetwork(rows, 16384, SIGMA0, ERF).initial_weights((0,))
    member = {name: matrix[0] for name, matrix in drawn.items()}
    del drawn
    kernel = TangentKernel.of(member, rows, ERF)
    del member
    least = least_eigenvalue(kernel)
    norm = distance(kernel, limit_kernels(ERF.activation, SIGMA0, x).total)
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024 / 1e9
    print(f"lambda_min {least.value:.4g}, norm {norm.value:.4g}, peak GB {peak:.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    _everything()
