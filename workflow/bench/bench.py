"""Time our code against what it has to beat, side by side in one run, one thread.

Writes results/bench/bench.csv (what, against, ours, theirs, unit, ratio, at_least) and prints it.
Every number is the median of alternating repetitions; a ratio above 1 means that ours is faster.
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import torch
from peers import AutogradVae, quadrature_kernel

from vaentk import io
from vaentk.activations import ACTIVATIONS
from vaentk.config import WeightChange
from vaentk.data import mnist
from vaentk.kernels.limit import hermite_series
from vaentk.training.problem import Problem

REPETITIONS = 7
RESOLUTION = 14
STEP_GOALS = {64: 0.9, 256: 0.9, 1024: 1.1}
RATE_GOALS = {256: 0.25, 1024: 0.5}
KERNEL_GOAL = 10.0


def side_by_side(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of both, repetitions alternating after one unmeasured call each."""
    times: tuple[list[float], list[float]] = ([], [])
    for repetition in range(REPETITIONS + 1):
        for function, sample in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            function()
            if repetition:
                sample.append(time.perf_counter() - start)
    return median(times[0]), median(times[1])


def row(
    what: str, against: str, ours: float, theirs: float, unit: str, at_least: float
) -> dict[str, object]:
    """One line of the table; rates count up, times count down."""
    ratio = ours / theirs if unit.endswith("/s") else theirs / ours
    return {
        "what": what,
        "against": against,
        "ours": ours,
        "theirs": theirs,
        "unit": unit,
        "ratio": ratio,
        "at_least": at_least,
    }


def images(samples: int) -> np.ndarray:
    pictures, labels = mnist.embedded()
    chosen = mnist.balanced_subset(labels, samples, np.random.default_rng(0))
    return mnist.inputs(pictures[chosen], RESOLUTION, "unit-norm")


def descent_steps(x: np.ndarray, width: int) -> list[dict[str, object]]:
    """One update of Figure 2's network against eager autograd, and against the matrix rate."""
    settings = WeightChange(widths=(width, 2 * width))
    problem = Problem(settings, width, x, "float32", "cpu", duration=1.0)
    model = problem.model()
    initial = model.initial_weights((0,))
    weights = {name: w.clone() for name, w in initial.items()}
    displacement = {name: torch.zeros_like(w) for name, w in initial.items()}
    objective = problem.objective(model, initial)
    peer = AutogradVae(model.x, initial, problem.beta, model.smoothing.degree)
    updates = max(2, 2048 // width)

    def ours() -> None:
        for _ in range(updates):
            forward = model.forward(weights)
            _, cotangent = objective.evaluate(forward)
            for name, gradient in model.gradients(weights, forward, cotangent).items():
                gradient.add_to_(displacement[name], -1e-3)
                torch.add(initial[name], displacement[name], out=weights[name])

    def theirs() -> None:
        for _ in range(updates):
            peer.step(1e-3)

    mine, eager = (seconds / updates for seconds in side_by_side(ours, theirs))
    what = f"gradient-descent step, d = {x.shape[1]}, m = {width}"
    rows = [row(what, "eager PyTorch autograd", 1e3 * mine, 1e3 * eager, "ms", STEP_GOALS[width])]
    if width in RATE_GOALS:
        left, right = torch.randn(len(x), width), torch.randn(width, width)
        product, _ = side_by_side(lambda: left @ right, lambda: left @ right)
        rate = 2e-9 * len(x) * width**2 / product
        operations = 1e-9 * len(x) * (18 * width**2 + 6 * width * x.shape[1])
        what += ", matrix products only"
        rows.append(
            row(what, "measured sgemm", operations / mine, rate, "GFLOP/s", RATE_GOALS[width])
        )
    return rows


def limit_kernel(x: np.ndarray) -> dict[str, object]:
    """kappa_0 of tanh at sigma0 = 0.5 to 1e-10, against quadrature of every pair."""
    q = 1.25
    c = x @ x.T / q
    tanh = ACTIVATIONS["tanh"]
    ours, theirs = side_by_side(
        lambda: hermite_series(tanh, 0, q)(c), lambda: quadrature_kernel(np.tanh, q, c, 96)
    )
    error = np.abs(hermite_series(tanh, 0, q)(c) - quadrature_kernel(np.tanh, q, c, 96)).max()
    what = f"limit kernel kappa_0, tanh, n = {len(x)} (differ by {error:.0e})"
    against = "2-D Gauss-Hermite, 96 nodes, pair by pair"
    return row(what, against, 1e3 * ours, 1e3 * theirs, "ms", KERNEL_GOAL)


def main() -> None:
    torch.set_num_threads(1)
    x = images(128)
    rows = [line for width in STEP_GOALS for line in descent_steps(x, width)]
    rows.append(limit_kernel(images(32)))
    table = pd.DataFrame(rows)
    path = Path("results/bench/bench.csv")
    io.write_table(table, path)
    print(table.to_string(index=False, float_format=lambda number: f"{number:.3g}"))
    print(f"written to {path}")


if __name__ == "__main__":
    main()
