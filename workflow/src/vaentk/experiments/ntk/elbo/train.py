"""Training Theorem 1's network on Eq. 7 and on the ELBO's reconstruction term."""

from functools import partial
from typing import Any

from vaentk.data.stored import Stored
from vaentk.experiments.ntk.durations import of_horizon
from vaentk.experiments.ntk.elbo import Elbo
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.linear_rate.measure import limit_kernel
from vaentk.experiments.ntk.networks import PER_OCTAVE, eq7_problem
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.training import train_problems
from vaentk.models.forward import Model, Weights
from vaentk.runtime.job import Job
from vaentk.training.elbo import ElboProblem, variance_term
from vaentk.training.problem import Problem
from vaentk.training.recorder import Observe
from vaentk.training.schedule import moments
from vaentk.training.state import Record


def train(settings: Elbo, part: WidthJob, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train some widths on both objectives, from the same weights and for the same time."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    kernel = limit_kernel(settings, x)
    duration, fastest = of_horizon(kernel, settings.horizon)
    schedule = moments(duration, settings.accuracy, fastest, PER_OCTAVE)
    problems: list[tuple[str, Problem]] = []
    for width in part:
        mean = eq7_problem(settings, width, x, task.params["dtype"], task.device, schedule)
        problems += [("mean", mean), ("elbo", ElboProblem(**vars(mean)))]
    return {"records": train_problems(problems, settings.seeds, task, observe=observe)[0]}


def observe(problem: Problem, seeds: tuple[int, ...]) -> Observe:
    """Observe what Eq. 7 leaves out."""
    return partial(_seen, problem.model(seeds))


def _seen(model: Model, place: int, weights: Weights) -> list[Record]:
    """Return the variance term and the latent's root-mean-square deviation of every member."""
    deviations = model.forward(weights).variance.mean(dim=(1, 2)).sqrt()
    terms = variance_term(model, weights)
    return [
        {"variance_term": term, "latent_rms": deviation}
        for term, deviation in zip(terms.tolist(), deviations.tolist(), strict=True)
    ]
