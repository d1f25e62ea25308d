"""Training Eq. 2's network with f_0 = 0 on Eq. 7, every number of images, some widths a job."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vaentk.activations import ACTIVATIONS, Smoothing
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.generalisation import Generalisation, Learning
from vaentk.experiments.ntk.generalisation.images import nested_inputs
from vaentk.experiments.ntk.networks import GROWTH, TOLERANCE
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.training import train_problems
from vaentk.models.snn import StochasticNetwork
from vaentk.runtime.job import Job
from vaentk.training.footprints import eq2_member
from vaentk.training.problem import Problem
from vaentk.training.schedule import Moments

Array = NDArray[np.float64]


def train(settings: Generalisation, part: WidthJob, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train some widths on every number of images; keep outputs on these and on those held out."""
    inputs, held_out = nested_inputs(mnist.arrays, settings)
    problems = [
        (name, problem(case, width, inputs[name], held_out, task.params["dtype"], task.device))
        for width in part
        for name, case in settings.variants().items()
    ]
    records, outputs = train_problems(problems, settings.seeds, task, keep_outputs=True)
    return {"records": records, "outputs": outputs}


def problem(
    case: Learning, width: int, x: Array, held_out: Array, dtype: str, device: str
) -> Problem:
    """Eq. 2's network on Eq. 7 for inputs (n, d), with outputs on ``held_out`` (n', d) too."""
    return Problem(
        width,
        partial(network, case=case, width=width, tolerance=TOLERANCE[dtype]),
        x,
        dtype,
        device,
        Moments((0.0, *case.times), case.accuracy),
        partial(eq2_member, len(x) + len(held_out), x.shape[1], width, dtype),
        held_out=held_out,
    )


def network(
    x: Tensor, seeds: tuple[int, ...], *, case: Learning, width: int, tolerance: float
) -> StochasticNetwork:
    """Build Eq. 2's network with f_0 = 0 on inputs (n, d), its noise in expectation."""
    latent = Smoothing(ACTIVATIONS[case.activation], case.sigma0 * GROWTH, tolerance)
    return StochasticNetwork(x, width, case.sigma0, latent, antisymmetric=True)
