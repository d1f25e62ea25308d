"""Training Theorem 1's network while its kernel is watched, some widths a job."""

from functools import partial
from typing import Any

from vaentk.activations import ACTIVATIONS
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.durations import of_horizon
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.networks import eq7_problem
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.tangent_kernels.observer import observe
from vaentk.experiments.ntk.training import train_problems
from vaentk.kernels.limit import limit_kernels
from vaentk.runtime.job import Job
from vaentk.training.schedule import Moments

OCTAVES = (6, 4, 2, 0)
"""Training is looked at where 2^-k of its time has passed, and at its start."""


def train(settings: TangentKernels, part: WidthJob, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train some widths and record their kernels, at the start and along training."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    limit = limit_kernels(ACTIVATIONS[settings.activation], settings.sigma0, x)
    duration, _ = of_horizon(limit.total, settings.horizon)
    schedule = Moments(
        (0.0, *(duration / 2**octave for octave in OCTAVES)) if duration else (0.0,),
        settings.accuracy,
    )
    problems = [
        ("base", eq7_problem(settings, width, x, task.params["dtype"], task.device, schedule))
        for width in part
    ]
    watch = partial(observe, settings)
    return {"records": train_problems(problems, settings.seeds, task, observe=watch)[0]}
