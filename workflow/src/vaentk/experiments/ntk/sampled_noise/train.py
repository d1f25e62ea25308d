"""Training Eq. 2's network on the ELBO's reconstruction term, with and without sampled noise."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from torch import Tensor

from vaentk.activations import ACTIVATIONS
from vaentk.data.stored import Stored
from vaentk.experiments.ntk.durations import of_horizon
from vaentk.experiments.ntk.inputs import inputs_of
from vaentk.experiments.ntk.linear_rate.measure import limit_kernel
from vaentk.experiments.ntk.networks import eq7_problem
from vaentk.experiments.ntk.sampled_noise import (
    EXACT,
    FLOW,
    MIRRORED,
    MOMENTS,
    SAMPLED,
    SampledNoise,
)
from vaentk.experiments.ntk.settings import WidthJob
from vaentk.experiments.ntk.training import train_problems
from vaentk.experiments.settings import exact
from vaentk.models.forward import Model, Weights
from vaentk.models.latent import Mirrored, Sampled
from vaentk.models.snn import StochasticNetwork
from vaentk.runtime.job import Job
from vaentk.training.elbo import ElboProblem, variance_term
from vaentk.training.noise import output_noise
from vaentk.training.problem import Network, Problem
from vaentk.training.recorder import Observe
from vaentk.training.schedule import Descent, Moments
from vaentk.training.state import Record

NOISES: Final[dict[str, type[Sampled | Mirrored]]] = {SAMPLED: Sampled, MIRRORED: Mirrored}
"""Signs of the noise: two runs a seed and learning rate, whose losses are averaged."""


def train(settings: SampledNoise, part: WidthJob, *, mnist: Stored, task: Job) -> dict[str, Any]:
    """Train some widths by every way and learning rate, from the same weights, for one time."""
    x = inputs_of(mnist.arrays, settings.inputs)["x"]
    duration, _ = of_horizon(limit_kernel(settings, x), settings.horizon)
    steps = settings.steps(duration)
    descents = [
        Descent(rate, steps * 2**k, tuple(2**k * step for step in observed(steps)))
        for k, rate in enumerate(settings.learning_rates)
    ]
    times = tuple(descents[0].time(step) for step in descents[0].record)
    problems: list[tuple[str, Problem]] = []
    for width in part:
        flow = Moments(times, settings.accuracy)
        mean = eq7_problem(settings, width, x, task.params["dtype"], task.device, flow)
        elbo = ElboProblem(**vars(mean))
        problems += [(FLOW, elbo), (EXACT, replace(elbo, schedule=descents[0]))]
        for name, noise in NOISES.items():
            network = partial(with_noise, network=mean.network, noise=noise)
            problems += [
                (
                    f"{name}-{exact(descent.learning_rate)}",
                    replace(mean, network=network, schedule=descent),
                )
                for descent in descents
            ]
    return {"records": train_problems(problems, settings.seeds, task, observe=observe)[0]}


def observed(steps: int) -> tuple[int, ...]:
    """Return at which steps there is an observation: halvings, and equally often at the end."""
    last = range(steps // 2, steps + 1, steps // (2 * MOMENTS))
    halvings = {steps >> k for k in range(steps.bit_length()) if steps % 2**k == 0}
    return (0, *sorted(halvings | set(last)))


def with_noise(
    x: Tensor, seeds: tuple[int, ...], *, network: Network, noise: type[Sampled | Mirrored]
) -> Model:
    """Build a network whose noise is drawn for members with seeds, in expectation without."""
    model = network(x, seeds)
    assert isinstance(model, StochasticNetwork)
    return replace(model, smoothing=noise(ACTIVATIONS["erf"], seeds)) if seeds else model


def observe(problem: Problem, seeds: tuple[int, ...]) -> Observe:
    """Observe the expected objective, whatever noise trains: a function of the weights."""
    rate = problem.schedule.learning_rate if isinstance(problem.schedule, Descent) else 0.0
    model = problem.model()
    assert isinstance(model, StochasticNetwork)
    return partial(_seen, model, rate)


def _seen(model: StochasticNetwork, rate: float, place: int, weights: Weights) -> list[Record]:
    """Return both parts of the objective of every member, and its gradient's noise."""
    residual = model.forward(weights).outputs - model.x
    columns = {
        "mean_error": residual.square().sum(dim=(1, 2)) / (2 * residual.shape[1]),
        "variance_term": variance_term(model, weights),
        "noise": output_noise(model, weights),
    }
    members = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [{"learning_rate": rate} | dict(zip(columns, one, strict=True)) for one in members]
