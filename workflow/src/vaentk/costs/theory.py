"""What training Wang & Huang's networks costs, by settings: W1 to W4 and X1 to X3.

A job is one width. How many steps it takes depends on eigenvalues of the kernels; here they are
what was measured on MNIST, so that a plan needs no data: right within a factor of two or so.
"""

from bisect import bisect_left
from collections.abc import Mapping
from itertools import pairwise
from math import ceil, exp, log, sqrt
from typing import Any, Final

from vaentk.costs.work import LAUNCH, LIBRARIES, ON_GPU, PRODUCTS, START, START_ON_GPU, Cost
from vaentk.experiments.ntk.linear_rate import LinearRate
from vaentk.experiments.ntk.ridge import PenalisedMean
from vaentk.experiments.ntk.settings import Inputs, Training
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.weight_change import WeightChange
from vaentk.training.footprints import eq2_member, figure2_member
from vaentk.training.schedule import COMMON_OCTAVES, eq7_learning_rate

SLOWEST: Final = {
    7: {16: 407.0, 32: 3175.0, 64: 1.10e4, 128: 1.01e5},
    14: {16: 136.0, 32: 792.0, 64: 2034.0, 128: 8954.0},
    28: {16: 102.0, 32: 357.0, 64: 905.0, 128: 3166.0},
}
"""``n / lambda_0`` of erf at sigma0 = 0.5 on class-balanced digits, by pixels a side and n."""

STEEPEST: Final = {7: 4.1, 14: 5.4, 28: 6.3}
"""Stability limit of an infinitely wide network on them."""

CENTRED: Final = 20.0
"""The same on principal components, which have no mean."""

SLOWER: Final = {"softplus": 3.6, "soft_clipping": 2.5, "tanh": 1.4, "sigmoid": 30.0}
"""What other activations have of ``n / lambda_0``, in units of erf's; the rest are like erf."""

LOOKS: Final = 75
"""Observations of a training."""

OVERHEAD: Final = 2e-4
"""Seconds of a step on a CPU that do not grow with the network."""

LIMIT: Final = 60
"""Steps that computing the stability limit of a member is worth."""

REPLAYED, LAUNCHED = 20, 150
"""Kernels of a step that a GPU waits for, with and without a graph."""

KERNEL: Final = 2e-8
"""Seconds that the extreme eigenvalues of a finite kernel take, over ``n d m``."""

KERNEL_LOOKS: Final = 8
"""Times in a training that a kernel is computed."""


def training(settings: Any, cases: Mapping[str, Any], width: int, cores: int, dtype: str) -> Cost:
    """Cost of training one width of a run.

    Parameters
    ----------
    settings : Training
        The run.
    cases : mapping
        What is trained, one after another, by name.
    width : int
        m
    cores : int
        Members side by side on a CPU.
    dtype : str
        float32 or float64.
    """
    assert isinstance(settings, Training)
    members = len(settings.seeds)
    rounds = ceil(members / cores)
    bytes_each = 4 if dtype == "float32" else 8
    products = PRODUCTS * 4 / bytes_each
    seconds, on_gpu, memory, disk = START, START_ON_GPU, 0.0, 5e4
    numbers = steps_of(settings, cases, width)
    for name, case in cases.items():
        each = operations(case, width)
        step = OVERHEAD + each / products
        deep = isinstance(case, WeightChange)
        launched = REPLAYED if deep and case.activation == "tanh" else LAUNCHED
        counted = numbers[name] + LIMIT + (LOOKS if numbers[name] else 1)
        seconds += rounds * counted * step
        on_gpu += counted * (launched * LAUNCH + members * each / ON_GPU)
        member = figure2_member if deep else eq2_member
        sizes = case.inputs.samples, case.inputs.outputs, width
        memory = max(memory, member(*sizes, dtype, 0 if deep else LOOKS))
        if not deep:
            disk += 4 * members * LOOKS * case.inputs.samples * case.inputs.outputs
    if isinstance(settings, TangentKernels):
        looks = 1 + (KERNEL_LOOKS if settings.horizon else 0)
        eigenvalues = KERNEL * settings.inputs.samples * settings.inputs.outputs * width
        seconds += rounds * (1 + looks * eigenvalues)
        on_gpu += members * (2 + looks * eigenvalues * PRODUCTS / ON_GPU)
        memory *= 2.5
        disk = 5e4
    return Cost(seconds, on_gpu, cores * (LIBRARIES + memory), disk, cores)


def steps_of(settings: Training, cases: Mapping[str, Any], width: int) -> dict[str, int]:
    """Estimate the updates of every case, as `vaentk.training.schedule` chooses them."""
    durations = {name: _duration(case) for name, case in cases.items()}
    limits = {name: _limit(case, width) for name, case in cases.items()}
    if getattr(settings, "common_time", False):
        durations = dict.fromkeys(durations, max(durations.values()))
    if getattr(settings, "common_step", False):
        limits = dict.fromkeys(limits, min(limits.values()))
    return {
        name: case.steps
        if isinstance(case, WeightChange) and case.stepping == "literal"
        else _rounded(durations[name] / (case.step_fraction * limits[name]))
        for name, case in cases.items()
    }


def operations(case: Training, width: int) -> float:
    """Floating-point operations of one step of one member: its matrix products."""
    inputs: Inputs = case.inputs
    n, d, m = inputs.samples, inputs.outputs, width
    if isinstance(case, WeightChange):
        first = 2 * n * min(n, 2 * d) * m
        return 2 * (9 * n * m * m + first + 3 * n * m * d) + 20 * m * m
    trained = 1 if isinstance(case, PenalisedMean) else 3
    # A function of the latent costs as much as hundreds of products.
    return 2 * (4 + trained) * n * d * m + 800 * n * m


def _duration(case: Any) -> float:
    """Time of gradient flow to train for, in Eq. 7's units."""
    if isinstance(case, WeightChange):
        rate = eq7_learning_rate(case.learning_rate, case.inputs.outputs, case.reduction)
        return case.steps * rate
    if isinstance(case, PenalisedMean):
        return case.horizon / case.beta
    assert isinstance(case, LinearRate)
    slower: float = SLOWER.get(case.activation, 1.0) * (case.sigma0 / 0.5) ** 1.3
    return case.horizon * slower * _slowest(case.inputs)


def _limit(case: Training, width: int) -> float:
    """Stability limit at a width."""
    spread = sqrt(case.inputs.outputs / width)
    if isinstance(case, WeightChange):
        steepness: float = (1 + 2.5 * spread) / 5 + 3.5 * case.beta / case.sigma0**2
        return 1 / steepness
    wide = CENTRED if case.inputs.components else STEEPEST[case.inputs.resolution]
    if isinstance(case, PenalisedMean):
        return 2 / (case.beta + 2 * (1 + 1.8 * spread) / wide)
    return wide / (1 + 1.6 * spread)


def _slowest(inputs: Inputs) -> float:
    """``n / lambda_0``, between and beyond what was measured by powers of n."""
    known = SLOWEST[inputs.resolution]
    sizes = list(known)
    place = min(max(bisect_left(sizes, inputs.samples), 1), len(sizes) - 1)
    low, high = list(pairwise(sizes))[place - 1]
    power = log(known[high] / known[low]) / log(high / low)
    return known[low] * exp(power * log(inputs.samples / low))


def _rounded(steps: float) -> int:
    block: int = 2**COMMON_OCTAVES
    return block * ceil(steps / block)
