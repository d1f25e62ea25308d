"""Training Eq. 2's network on Eq. 4, some widths a job, with W_sigma frozen and trained."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.kl_ridge import KlCase, KlRidge
from vaentk.experiments.ntk.networks import GROWTH, TOLERANCE
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.training import train_problems
from vaentk.models.snn import StochasticNetwork
from vaentk.runtime.job import Job
from vaentk.training.footprints import eq2_member
from vaentk.training.problem import Problem
from vaentk.training.schedule import moments

Array = NDArray[np.float64]


def train(settings: KlRidge, part: WidthJob, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train some widths, every beta, W_sigma frozen and trained; keep outputs on all images."""
    inputs = inputs_of(mnist.arrays, settings.inputs, settings.held_out)
    x, held_out, dtype = inputs["x"], inputs["x_held_out"], task.params["dtype"]
    problems = [
        (name, kl_problem(case, width, x, dtype, task.device, held_out))
        for width in part
        for name, case in settings.variants().items()
    ]
    records, outputs = train_problems(problems, settings.seeds, task, keep_outputs=True)
    return {"records": records, "outputs": outputs}


def kl_problem(
    case: KlCase, width: int, x: Array, dtype: str, device: str, held_out: Array
) -> Problem:
    """Eq. 2's network on Eq. 4 for inputs (n, d), with outputs on ``held_out`` (n', d) too."""
    rate = case.beta / case.sigma0**2 * least_nonzero(x)
    return Problem(
        width,
        partial(network, case=case, width=width, tolerance=TOLERANCE[dtype]),
        x,
        dtype,
        device,
        moments(case.horizon / rate, case.accuracy),
        partial(eq2_member, len(x), x.shape[1], width, dtype),
        beta=case.beta,
        held_out=held_out,
    )


def network(
    x: Tensor, seeds: tuple[int, ...], *, case: KlCase, width: int, tolerance: float
) -> StochasticNetwork:
    """Build Eq. 2's network with f_0 = 0 on inputs (n, d), its noise in expectation."""
    latent = Smoothing(ACTIVATIONS[case.activation], case.sigma0 * GROWTH, tolerance)
    return StochasticNetwork(x, width, case.sigma0, latent, case.trained, antisymmetric=True)


def least_nonzero(x: Array) -> float:
    """Return the smallest nonzero eigenvalue of ``(1/n) X^T X``; those below 1e-12 are rounding."""
    values = np.linalg.svd(x, compute_uv=False) ** 2 / len(x)
    return float(values[values > 1e-12 * values[0]].min())
