"""Training with exact gradients: a plain loop, the mean over every iterate, runs that diverge."""

import math

import pytest
import torch

from vaentk.bounds.draws import generator
from vaentk.models.exact_vae import gradient
from vaentk.models.generalised_linear_vae import GeneralisedLinearVae
from vaentk.training.exact import Recipe, train

DATA = torch.tensor([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]], dtype=torch.float64)
MODEL = GeneralisedLinearVae("poisson-clipped", DATA, 1)
RECIPE = Recipe(
    seeds=(0, 5), steps=6, scale=0.1, batch=2, codes=3, initial=0.3, record=tuple(range(7))
)


def test_it_is_a_plain_loop_of_sgd_in_the_runs_own_draws() -> None:
    rows = [row for row in train(MODEL, RECIPE) if row["seed"] == 5]
    own = generator(torch.device("cpu"), 5)
    theta = 0.3 * torch.randn(1, MODEL.size, generator=own, dtype=torch.float64)
    squares = []
    for step, row in enumerate(rows):
        theta.requires_grad_()
        loss = MODEL.loss(theta)
        squares.append(float(gradient(loss, theta).square().sum()))
        assert (row["seed"], row["step"]) == (5, step)
        assert row["loss"] == pytest.approx(float(loss[0].detach()), rel=1e-12)
        assert row["gradient"] == pytest.approx(squares[-1], rel=1e-12)
        assert row["mean_gradient"] == pytest.approx(sum(squares) / (step + 1), rel=1e-12)
        numbers = torch.randint(3, (2,), generator=own)[None]
        noise = torch.randn(3, 2, 1, generator=own, dtype=torch.float64)[None]
        sampled = gradient(MODEL.sampled_loss(theta, numbers, noise), theta)
        theta = theta.detach() - 0.1 / math.sqrt(step + 1) * sampled


def test_a_run_that_diverges_is_infinite_and_leaves_the_others() -> None:
    """Steps of 50 on an exponential that is not clipped, from a start that some survive longer."""
    model = GeneralisedLinearVae("poisson", DATA, 1)
    wild = Recipe((0, 1), 6, 50.0, 2, 3, 0.3, (0, 6))
    first, last = train(model, wild)[:2], train(model, wild)[2:]
    assert all(math.isfinite(row["gradient"]) for row in first)
    assert [row["mean_gradient"] for row in last] == [math.inf, math.inf]
