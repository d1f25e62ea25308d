"""Training of linear VAEs by SGD and Adam, R runs side by side, each iterate's gradient exact.

A run has its seed and draws data and noise from a generator of its own: it ends where it would
end alone, to rounding. The theorem of Surendran et al. 2024 is on ``E|grad L(theta_R)|^2`` for R
uniform on {0, ..., n}; given the run that is the mean of ``|grad L(theta_k)|^2`` over all k from 0
to n, so the exact gradient is evaluated at every iterate and not at the recorded ones alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import pow
from typing import Final, Literal

import torch
from torch import Tensor

from vaentk.errors import UserError
from vaentk.models.initial import standard_normal
from vaentk.models.linear_estimators import Estimator, estimate
from vaentk.models.linear_vae import LinearVae, Moments, Parameters, append_one
from vaentk.training import generators
from vaentk.training.linear_draws import Batch, Draws
from vaentk.training.state import State, Tick, no_tick

MEAN_DECAY: Final = 0.9
SQUARE_DECAY: Final = 0.999
EPSILON: Final = 1e-8


@dataclass(frozen=True)
class Recipe:
    """What all runs share."""

    optimiser: Literal["sgd", "adam"]
    """Adam has the corrected bias of Kingma & Ba."""
    scale: float
    """C of the step sizes ``gamma_n = C n^(-power)`` of iteration n = 1, 2, ..."""
    power: float
    """1/2 as in the theorem; 0 for a constant step."""
    steps: int
    """Iterations."""
    estimator: Estimator
    record: tuple[int, ...]
    """Iterates that are recorded, increasing, of 0 to ``steps``; theta_0 is the start."""

    def step_size(self, n: int) -> float:
        """``gamma_n``, the step from theta_(n-1) to theta_n."""
        return self.scale * pow(n, -self.power)

    @cached_property
    def recorded(self) -> frozenset[int]:
        """The iterates of ``record``."""
        return frozenset(self.record)


def log_spaced(steps: int, per_decade: int = 10) -> tuple[int, ...]:
    """Iterates to record: 0, a number a decade evenly in the logarithm, and the last."""
    decades = len(str(steps))
    spaced = {round(10 ** (k / per_decade)) for k in range(decades * per_decade)}
    return tuple(sorted({0, steps, *(n for n in spaced if n < steps)}))


@dataclass(frozen=True, eq=False)
class Problem:
    """A linear VAE on a data set."""

    model: LinearVae
    data: Tensor
    """(N, d), float64."""
    latent_dim: int

    @cached_property
    def moments(self) -> Moments:
        """Mean and covariance of the data."""
        return Moments.of(self.data)

    @cached_property
    def points(self) -> Tensor:
        """The data with a one appended, (N, d + 1)."""
        return append_one(self.data)

    @cached_property
    def best(self) -> float:
        """The largest value of the objective, that of probabilistic PCA, in nats."""
        optimum = self.model.optimum(self.moments, self.latent_dim)
        return float(self.model.elbo(optimum, self.moments))


NAMES: Final = ("decoder", "encoder", "s")
"""Tensors of `Parameters`, by which a state knows them."""


def parameters_of(state: State) -> Parameters:
    """The parameters of a state, no copies."""
    return Parameters(*(state.tensors[name] for name in NAMES))


def initial_parameters(problem: Problem, seeds: tuple[int, ...], scale: float) -> Parameters:
    """Draw W and V with entries N(0, scale^2); a, b and s are zero."""
    d, q = problem.data.shape[1], problem.latent_dim
    like = problem.data
    w = scale * standard_normal((d, q), seeds, 0, like.dtype, like.device)
    v = scale * standard_normal((q, d), seeds, 1, like.dtype, like.device)
    runs = len(seeds)
    return Parameters.of(
        w, like.new_zeros(runs, d), v, like.new_zeros(runs, q), like.new_zeros(runs, q)
    )


def initial_state(
    problem: Problem, parameters: Parameters, seeds: tuple[int, ...], recipe: Recipe
) -> State:
    """State at theta_0, which is observed; the parameters are copied.

    After ``step`` iterations the parameters are theta_step: ``decoder``, ``encoder`` and ``s``, and
    for Adam its averages ``mean/<name>`` and ``square/<name>``, (R, ...) each; ``sum`` (R,), of
    ``|grad L|^2`` over the iterates 0 to ``step``; ``generators``, uint8 (R, bytes). Records have a
    row a run and recorded iterate n: ``seed``, ``step``; ``gradient``, the exact
    ``|grad L(theta_n)|^2``; ``mean_gradient``, its mean over the iterates 0 to n; ``loss``, the
    objective downhill (the negative ELBO) and ``gap`` above its least value, in nats; ``norm``, the
    Euclidean norm of all parameters; and where the estimator is ``iwae``, ``likelihood_gap``, what
    the mean of log p(x) is below its largest value, in nats.
    """
    tensors = dict(zip(NAMES, (t.clone() for t in parameters.tensors()), strict=True))
    if recipe.optimiser == "adam":
        for name in NAMES:
            tensors[f"mean/{name}"] = torch.zeros_like(tensors[name])
            tensors[f"square/{name}"] = torch.zeros_like(tensors[name])
    tensors["sum"] = torch.zeros_like(parameters.s[:, 0])
    tensors["generators"] = generators.fresh(seeds)
    state = State(0, tensors)
    _observe(problem, seeds, recipe, state)
    return state


def train(
    problem: Problem,
    seeds: tuple[int, ...],
    recipe: Recipe,
    state: State,
    tick: Tick = no_tick,
) -> State:
    """Train all runs from a state to the recipe's last iterate.

    Where the estimator is ``iwae`` the records are still of the ELBO, whose gradient is not the
    one that is followed; at beta = 1, which it takes for granted, the two objectives and the
    likelihood have their optimum and its value in common.

    There are as many seeds as the state has runs; it is changed in place. The tick is called after
    every block of iterations (`Draws.block`).

    Raises
    ------
    UserError
        When a run's gradient is not finite; names run and iteration.
    """
    draws = Draws(problem.points, problem.latent_dim, recipe.estimator, state.tensors["generators"])
    while state.step < recipe.steps:
        for batches in draws.iterations(min(draws.block, recipe.steps - state.step)):
            gradient = _estimate(problem.model, parameters_of(state), batches, recipe.estimator)
            state.step += 1
            _update(state, gradient, recipe)
            _observe(problem, seeds, recipe, state)
        state.tensors["generators"] = generators.states_of(draws.generators)
        _refuse_divergence(seeds, recipe, state)
        tick(state)
    return state


def _estimate(
    model: LinearVae, parameters: Parameters, batches: Iterable[Batch], estimator: Estimator
) -> Parameters:
    """Estimate a gradient from the parts of one batch."""
    total = parameters.zeros_like()
    for points, noise in batches:
        part = estimate(model, parameters, points, noise, estimator)
        if points.shape[1] == estimator.batch:
            return part
        total.add_(part, points.shape[1] / estimator.batch)
    return total


def _update(state: State, gradient: Parameters, recipe: Recipe) -> None:
    """Make iteration ``state.step`` uphill, in place."""
    n = state.step
    rate = recipe.step_size(n)
    for name, slope in zip(NAMES, gradient.tensors(), strict=True):
        if recipe.optimiser == "sgd":
            state.tensors[name].add_(slope, alpha=rate)
            continue
        mean, square = state.tensors[f"mean/{name}"], state.tensors[f"square/{name}"]
        mean.lerp_(slope, 1 - MEAN_DECAY)
        square.mul_(SQUARE_DECAY).addcmul_(slope, slope, value=1 - SQUARE_DECAY)
        spread = (square / (1 - SQUARE_DECAY**n)).sqrt_().add_(EPSILON)
        state.tensors[name].addcdiv_(mean, spread, value=rate / (1 - MEAN_DECAY**n))


def _observe(problem: Problem, seeds: tuple[int, ...], recipe: Recipe, state: State) -> None:
    """Add the exact gradient's square at this iterate to the sum; record where it is asked for."""
    parameters = parameters_of(state)
    square = problem.model.gradient(parameters, problem.moments).square()
    total = state.tensors["sum"].add_(square)
    if state.step not in recipe.recorded:
        return
    _refuse_divergence(seeds, recipe, state)
    loss = -problem.model.elbo(parameters, problem.moments)
    columns = {
        "gradient": square,
        "mean_gradient": total / (state.step + 1),
        "loss": loss,
        "gap": loss + problem.best,
        "norm": parameters.square().sqrt(),
    }
    if recipe.estimator.kind == "iwae":
        likelihood = problem.model.log_likelihood(parameters, problem.moments)
        columns["likelihood_gap"] = problem.best - likelihood
    values = {name: column.tolist() for name, column in columns.items()}
    for run, seed in enumerate(seeds):
        row = {name: column[run] for name, column in values.items()}
        state.records.append({"seed": seed, "step": state.step} | row)


def _refuse_divergence(seeds: tuple[int, ...], recipe: Recipe, state: State) -> None:
    """Refuse runs whose gradient has been infinite or not a number."""
    finite = state.tensors["sum"].isfinite()
    if bool(finite.all()):
        return
    seed = seeds[int(finite.logical_not().nonzero()[0])]
    raise UserError(
        f"training diverged by iteration {state.step}: the gradient of seed {seed} with "
        f"{recipe.optimiser} is not finite: lower the scale of its steps, {recipe.scale:g}."
    )
