"""Stochastic gradient descent on VAEs whose exact gradient is known at every iterate.

As for the linear VAE, the theorem's ``E|grad L(theta_R)|^2`` with R uniform on {0, ..., n} is,
given the run, the mean of ``|grad L(theta_k)|^2`` over all iterates up to n.
"""

from dataclasses import dataclass
from math import inf

import torch

from vaentk.bounds.draws import generator
from vaentk.models.exact_vae import ExactVae, gradient
from vaentk.training.state import Record


@dataclass(frozen=True)
class Recipe:
    """What all runs share."""

    seeds: tuple[int, ...]
    steps: int
    scale: float
    """C of the step sizes ``C n^(-1/2)`` of iteration n = 1, 2, ..."""
    batch: int
    """Data points of an iteration, drawn with replacement."""
    codes: int
    """Draws of the noise for each."""
    initial: float
    """Deviation of the initial parameters."""
    record: tuple[int, ...]
    """Iterates that are recorded, increasing; the last is the end."""


def train(model: ExactVae, recipe: Recipe) -> list[Record]:
    """Train all runs side by side; return one row per run and recorded iterate n.

    ``seed``, ``step``, ``gradient``, the exact ``|grad L(theta_n)|^2``, ``mean_gradient``, its mean
    over the iterates 0 to n, and ``loss``, the negative ELBO in nats. From where a run has
    diverged, and its gradient is not finite, its numbers are infinite.
    """
    cpu = torch.device("cpu")
    runs = len(recipe.seeds)
    own = [generator(cpu, seed) for seed in recipe.seeds]
    start = [torch.randn(model.size, generator=g, dtype=torch.float64) for g in own]
    parameters = recipe.initial * torch.stack(start)
    total = torch.zeros(runs, dtype=torch.float64)
    shape = (recipe.codes, recipe.batch, *model.noise_shape)
    recorded, rows = frozenset(recipe.record), []
    for step in range(recipe.steps + 1):
        parameters.requires_grad_()
        loss = model.loss(parameters)
        square = gradient(loss, parameters).square().sum(dim=1)
        total += square
        if step in recorded:
            columns = {"gradient": square, "mean_gradient": total / (step + 1), "loss": loss}
            whole = total.isfinite()
            lists = {name: torch.where(whole, c, inf).tolist() for name, c in columns.items()}
            for place, seed in enumerate(recipe.seeds):
                row = {name: values[place] for name, values in lists.items()}
                rows.append({"seed": seed, "step": step} | row)
        if step == recipe.steps:
            break
        chosen = torch.stack(
            [torch.randint(model.points, (recipe.batch,), generator=g) for g in own]
        )
        noise = torch.stack([torch.randn(shape, generator=g, dtype=torch.float64) for g in own])
        drawn = gradient(model.sampled_loss(parameters, chosen, noise), parameters)
        parameters = parameters.detach() - recipe.scale * (step + 1) ** -0.5 * drawn
    return rows
