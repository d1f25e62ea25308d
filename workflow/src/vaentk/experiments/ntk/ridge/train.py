"""Training Eq. 2's network, W_mu alone on Eq. 12, some widths a job, every beta."""

from typing import Any

from vaentk.data.stored import Stored
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.networks import eq12_problem
from vaentk.experiments.ntk.ridge import Ridge
from vaentk.experiments.ntk.ridge.penalty import observe_kl
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.training import train_problems
from vaentk.runtime.job import Job


def train(settings: Ridge, part: WidthJob, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train some widths, every beta and both initialisations; keep outputs on all images."""
    inputs = inputs_of(mnist.arrays, settings.inputs, settings.held_out)
    x, held_out, dtype = inputs["x"], inputs["x_held_out"], task.params["dtype"]
    problems = [
        (name, eq12_problem(case, width, x, dtype, task.device, held_out))
        for width in part
        for name, case in settings.variants().items()
    ]
    records, outputs = train_problems(
        problems, settings.seeds, task, keep_outputs=True, observe=observe_kl
    )
    return {"records": records, "outputs": outputs}
