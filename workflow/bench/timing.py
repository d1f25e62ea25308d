"""What every benchmark shares: alternating repetitions, the lines of the table, the images."""

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from vaentk.data import mnist

REPETITIONS = 5

Line = dict[str, object]


def side_by_side(*functions: Callable[[], object], repetitions: int = REPETITIONS) -> list[float]:
    """Median seconds of each, repetitions alternating after one unmeasured call each."""
    times: list[list[float]] = [[] for _ in functions]
    for repetition in range(repetitions + 1):
        for function, sample in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            if repetition:
                sample.append(time.perf_counter() - start)
    return [median(sample) for sample in times]


def line(what: str, against: str, ours: float, theirs: float, unit: str, at_least: float) -> Line:
    """One line of the table; rates count up, times count down: above 1, ours is better."""
    ratio = ours / theirs if unit.endswith("/s") else theirs / ours
    return {
        "what": what,
        "against": against,
        "ours": ours,
        "theirs": theirs,
        "unit": unit,
        "ratio": ratio,
        "at_least": at_least,
        "met": "yes" if ratio >= at_least else "NO",
    }


def images(samples: int, resolution: int) -> np.ndarray:
    """Real digits with unit rows, class-balanced: (samples, resolution^2)."""
    pictures, labels = mnist.embedded()
    chosen = mnist.balanced_subset(labels, samples, np.random.default_rng(0))
    return mnist.inputs(pictures[chosen], resolution, "unit-norm")
