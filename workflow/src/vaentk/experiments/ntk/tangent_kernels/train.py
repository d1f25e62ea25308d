"""Training Theorem 1's network while its kernel is watched, one width a job."""

from functools import partial
from typing import Any

from vaentk.activations import ACTIVATIONS
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.networks import eq7_problem
from vaentk.experiments.ntk.tangent_kernels import TangentKernels
from vaentk.experiments.ntk.tangent_kernels.observer import observe
from vaentk.experiments.ntk.training import train_variants
from vaentk.kernels.limit import least_eigenvalue, limit_kernels
from vaentk.runtime.job import Job


def train(settings: TangentKernels, part: int, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train one width m and record its kernel, at the start and along training."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    limit = limit_kernels(ACTIVATIONS[settings.activation], settings.sigma0, x)
    duration = settings.horizon * len(x) / least_eigenvalue(limit.total)
    problem = eq7_problem(settings, part, x, task.params["dtype"], task.device, duration)
    watch = partial(observe, settings)
    return {"records": train_variants({"base": problem}, settings.seeds, task, observe=watch)[0]}
