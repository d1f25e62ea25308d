"""S1's runs side by side against one plain PyTorch run after another.

The plain run has the same data, start, estimator, batch and step sizes in the same precision, but
parameters, autograd and torch.optim in place of formulas. It trains only, while ours
evaluates the exact gradient at every iterate besides.
"""

from typing import Final

import torch
from timing import Line, line, side_by_side
from torch import Tensor, nn

from vaentk.experiments.convergence.linear_vae import (
    EstimatorName,
    LinearVae,
    OptimiserName,
    Variant,
)
from vaentk.experiments.convergence.linear_vae.problem import problem_of, recipe_of
from vaentk.runtime import devices
from vaentk.training.linear import (
    MEAN_DECAY,
    SQUARE_DECAY,
    Problem,
    Recipe,
    initial_parameters,
    initial_state,
    train,
)

RUNS: Final = 256
STEPS: Final = 512
PLAIN_STEPS: Final = 512
REPETITIONS: Final = 3
GOAL: Final = 50
OPTIMISERS: Final[tuple[OptimiserName, ...]] = ("sgd", "adam")
CASES: Final[tuple[EstimatorName, ...]] = ("pathwise", "score-leave-one-out")


class PlainVae(nn.Module):
    """The linear VAE as one would write it: parameters, a loss, autograd."""

    def __init__(self, problem: Problem, scale: float) -> None:
        super().__init__()
        start = initial_parameters(problem, (0,), scale)
        self.w, self.b = nn.Parameter(start.w[0].clone()), nn.Parameter(start.b[0].clone())
        self.v, self.a = nn.Parameter(start.v[0].clone()), nn.Parameter(start.a[0].clone())
        self.s = nn.Parameter(start.s[0].clone())
        self.problem = problem

    def loss(self, x: Tensor, noise: Tensor, score: bool) -> Tensor:
        """A loss of points (B, d) and noise (B, K, q) whose gradient estimates the ELBO's."""
        model = self.problem.model
        mean, sigma = x @ self.v.T + self.a, (0.5 * self.s).exp()
        z = mean[:, None] + sigma * noise
        if score:
            z = z.detach()
        likelihood = -0.5 * (x[:, None] - z @ self.w.T - self.b).square().sum(-1) / model.variance
        if not score:
            kl = 0.5 * (mean.square() + self.s.exp() - 1 - self.s).sum(-1)
            return model.beta * kl.mean() - likelihood.mean()
        away = (z - mean[:, None]) / sigma
        log_q = -0.5 * (away.square() + self.s).sum(-1)
        prior = -0.5 * z.square().sum(-1)
        f = (likelihood + model.beta * (prior - log_q)).detach()
        samples = f.shape[1]
        f = (f - f.mean(1, keepdim=True)) * (samples / (samples - 1))
        return -likelihood.mean() - (f * log_q).mean()


def linear() -> list[Line]:
    """Seconds that one run's 1,000 iterations take, ours as a part of the runs side by side."""
    devices.keep_freed_memory()
    settings = LinearVae(runs=RUNS, steps=STEPS, short_steps=STEPS)
    problem = problem_of(settings)
    lines = []
    for optimiser in OPTIMISERS:
        for name in CASES:
            variant = Variant("rate", name, 0.5, 1.0, settings.batch, settings.samples, STEPS)
            recipe = recipe_of(settings, optimiser, variant)
            what = f"linear VAE, {RUNS} runs, {optimiser}, {name}, B = {settings.batch}"
            what += f", K = {settings.samples}, 1,000 iterations of a run"
            lines.append(_line(what, problem, recipe, settings))
    return lines


def _line(what: str, problem: Problem, recipe: Recipe, settings: LinearVae) -> Line:
    seeds, scale = settings.seeds(), settings.initial_scale

    def ours() -> None:
        start = initial_parameters(problem, seeds, scale)
        train(problem, seeds, recipe, initial_state(problem, start, seeds, recipe))

    def theirs() -> None:
        _plain(problem, recipe, scale)

    mine, plain = side_by_side(ours, theirs, repetitions=REPETITIONS)
    mine, plain = 1e3 * mine / STEPS / RUNS, 1e3 * plain / PLAIN_STEPS
    return line(what, "plain PyTorch, one run after another", mine, plain, "s", GOAL)


def _plain(problem: Problem, recipe: Recipe, scale: float) -> None:
    """Train one run."""
    vae, estimator = PlainVae(problem, scale), recipe.estimator
    generator = torch.Generator().manual_seed(0)
    optimiser: torch.optim.Optimizer = torch.optim.SGD(vae.parameters(), lr=recipe.scale)
    if recipe.optimiser == "adam":
        decays = (MEAN_DECAY, SQUARE_DECAY)
        optimiser = torch.optim.Adam(vae.parameters(), lr=recipe.scale, betas=decays)
    shape = (estimator.batch, estimator.samples, problem.latent_dim)
    for n in range(1, PLAIN_STEPS + 1):
        rows = torch.randint(len(problem.data), (estimator.batch,), generator=generator)
        noise = torch.randn(shape, generator=generator, dtype=problem.data.dtype)
        optimiser.param_groups[0]["lr"] = recipe.step_size(n)
        optimiser.zero_grad()
        loss = vae.loss(problem.data[rows], noise, estimator.kind == "score")
        torch.autograd.backward(loss)
        optimiser.step()
