"""Training the convolutional network on Eq. 7, some numbers of channels a job."""

from functools import partial
from typing import Any

from vaentk.data.stored import Stored
from vaentk.experiments.ntk.convolutional import Convolutional
from vaentk.experiments.ntk.convolutional.networks import limit_of, network
from vaentk.experiments.ntk.durations import of_horizon
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.networks import PER_OCTAVE, TOLERANCE
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.training import train_problems
from vaentk.runtime.job import Job
from vaentk.training.footprints import eq2_member
from vaentk.training.problem import Problem
from vaentk.training.schedule import moments


def train(settings: Convolutional, part: WidthJob, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train some numbers of channels for one time, and keep the outputs."""
    x, dtype = inputs_of(mnist.arrays, settings.inputs)["x"], task.params["dtype"]
    kernel, _ = limit_of(settings, x)
    duration, fastest = of_horizon(kernel, settings.horizon)
    schedule = moments(duration, settings.accuracy, fastest, PER_OCTAVE)
    problems = []
    for channels in part:
        build = partial(network, settings=settings, channels=channels, tolerance=TOLERANCE[dtype])
        # A unit of Eq. 2 has weights of its own where one of these has a filter's: an upper bound.
        units = channels * settings.positions
        memory = partial(eq2_member, len(x), x.shape[1], units, dtype)
        problem = Problem(channels, build, x, dtype, task.device, schedule, memory)
        problems.append(("base", problem))
    records, outputs = train_problems(problems, settings.seeds, task, keep_outputs=True)
    return {"records": records, "outputs": outputs}
