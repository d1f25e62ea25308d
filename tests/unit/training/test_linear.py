"""Training linear VAEs: the optimisers, the mean over iterates, runs alone, together, resumed."""

from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor

from vaentk.errors import UserError
from vaentk.models.linear_estimators import Estimator, estimate
from vaentk.models.linear_vae import LinearVae, Parameters
from vaentk.training import linear_draws
from vaentk.training.generators import fresh
from vaentk.training.linear import (
    NAMES,
    Problem,
    Recipe,
    initial_parameters,
    initial_state,
    log_spaced,
    parameters_of,
    train,
)
from vaentk.training.linear_draws import BLOCK, Draws
from vaentk.training.state import State

D, Q = 4, 2
SEEDS = (0, 1, 5)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


PROBLEM = Problem(LinearVae(0.5, beta=1.2), normal(50, D, seed=0) @ normal(D, D, seed=1) + 0.5, Q)
SGD = Recipe("sgd", 0.02, 0.5, 40, Estimator("pathwise", 3, 2), tuple(range(41)))
ADAM = replace(SGD, optimiser="adam")
RECIPES = [
    SGD,
    ADAM,
    replace(ADAM, estimator=Estimator("score", 3, 2, "leave-one-out")),
    replace(SGD, scale=0.005, estimator=Estimator("score", 1, 1, "mean")),
]


def start(recipe: Recipe, *seeds: int) -> State:
    return initial_state(PROBLEM, initial_parameters(PROBLEM, seeds, 0.3), seeds, recipe)


def run(recipe: Recipe, *seeds: int) -> State:
    return train(PROBLEM, seeds, recipe, start(recipe, *seeds))


def copy(state: State) -> State:
    tensors = {name: tensor.clone() for name, tensor in state.tensors.items()}
    return State(state.step, tensors, list(state.records))


def test_step_sizes_by_hand() -> None:
    assert [SGD.step_size(n) for n in (1, 4, 25)] == pytest.approx([0.02, 0.01, 0.004])
    assert replace(SGD, power=0).step_size(9) == 0.02


def test_iterates_to_record_are_even_in_the_logarithm() -> None:
    assert log_spaced(150, 2) == (0, 1, 3, 10, 32, 100, 150)
    assert log_spaced(10, 10) == (0, 1, 2, 3, 4, 5, 6, 8, 10)


@pytest.mark.parametrize("drawn", [2**13, 8], ids=["whole", "in parts"])
@pytest.mark.parametrize("power", [0.5, 0])
@pytest.mark.parametrize("recipe", [SGD, ADAM], ids=["sgd", "adam"])
def test_updates_are_those_of_torchs_optimisers(
    recipe: Recipe, power: float, drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fed with the same gradients, from the same draws; in parts, two data points and one."""
    monkeypatch.setattr(linear_draws, "DRAWN", drawn)
    recipe = replace(recipe, power=power)
    state = start(recipe, *SEEDS)
    theirs = Parameters(*(tensor.clone() for tensor in parameters_of(state).tensors()))
    given = {"lr": recipe.scale, "maximize": True}
    optimiser = (
        torch.optim.SGD(theirs.tensors(), **given)
        if recipe.optimiser == "sgd"
        else torch.optim.Adam(theirs.tensors(), betas=(0.9, 0.999), eps=1e-8, **given)
    )
    draws = Draws(PROBLEM.points, Q, recipe.estimator, state.tensors["generators"].clone())
    for n, batches in enumerate(draws.iterations(recipe.steps), start=1):
        parts, noises = zip(*batches, strict=True)
        points, noise = torch.cat(parts, dim=1), torch.cat(noises, dim=3)
        gradient = estimate(PROBLEM.model, theirs, points, noise, recipe.estimator)
        for tensor, slope in zip(theirs.tensors(), gradient.tensors(), strict=True):
            tensor.grad = slope
        optimiser.param_groups[0]["lr"] = recipe.step_size(n)
        optimiser.step()
    ours = parameters_of(train(PROBLEM, SEEDS, recipe, state))
    torch.testing.assert_close(ours.flat(), theirs.flat(), rtol=1e-11, atol=1e-12)
    assert float((ours.flat() - parameters_of(start(recipe, *SEEDS)).flat()).square().sum()) > 0.01


def test_the_mean_is_over_every_iterate_however_few_are_recorded() -> None:
    """By brute force: every iterate is recorded, and its gradient evaluated anew."""
    full, recorded = run(SGD, *SEEDS), (0, 7, 40)
    sparse = run(replace(SGD, record=recorded), *SEEDS)
    for seed in SEEDS:
        squares = [row["gradient"] for row in full.records if row["seed"] == seed]
        assert len(squares) == 41
        rows = [row for row in sparse.records if row["seed"] == seed]
        assert [row["step"] for row in rows] == list(recorded)
        for row in rows:
            n = int(row["step"])
            assert row["gradient"] == squares[n]
            brute = sum(squares[: n + 1]) / (n + 1)
            assert row["mean_gradient"] == pytest.approx(brute, rel=1e-12)


def test_records_are_of_the_iterate_that_they_name() -> None:
    recipe = replace(ADAM, steps=6, record=tuple(range(7)))
    for n in (0, 1, 6):
        state = run(replace(recipe, steps=n), *SEEDS)
        model, moments, last = PROBLEM.model, PROBLEM.moments, parameters_of(state)
        square = model.gradient(last, moments).flat().square().sum(1)
        elbo = model.elbo(last, moments)
        best = model.elbo(model.optimum(moments, Q), moments)
        for place, row in enumerate(state.records[-len(SEEDS) :]):
            assert (row["seed"], row["step"]) == (SEEDS[place], n)
            assert row["gradient"] == pytest.approx(float(square[place]), rel=1e-12)
            assert row["loss"] == pytest.approx(-float(elbo[place]), rel=1e-12)
            assert row["gap"] == pytest.approx(float(best - elbo[place]), rel=1e-10)


@pytest.mark.parametrize("drawn", [2**13, 8], ids=["whole", "in parts"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_ends_where_it_ends_alone(
    recipe: Recipe, drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To rounding, also where the noise of one iteration is drawn in parts."""
    monkeypatch.setattr(linear_draws, "DRAWN", drawn)
    together = run(recipe, *SEEDS)
    for place, seed in enumerate(SEEDS):
        alone = run(recipe, seed)
        for name in (*NAMES, "sum"):
            torch.testing.assert_close(
                together.tensors[name][place], alone.tensors[name][0], rtol=1e-9, atol=1e-10
            )
        assert torch.equal(together.tensors["generators"][place], alone.tensors["generators"][0])


def test_records_have_the_norm_and_for_iwae_the_gap_of_the_likelihood() -> None:
    """It vanishes at the optimum of beta = 1; other estimators have no such column."""
    problem = Problem(LinearVae(0.5), PROBLEM.data, Q)
    best = problem.model.optimum(problem.moments, Q)
    iwae = replace(SGD, estimator=Estimator("iwae", 3, 2))
    (at_best,) = initial_state(problem, best, (0,), iwae).records
    assert at_best["likelihood_gap"] == pytest.approx(0, abs=1e-12)
    assert at_best["norm"] == pytest.approx(float(best.flat().norm()))
    state = train(problem, (0,), iwae, initial_state(problem, best, (0,), iwae))
    assert all(0 <= row["likelihood_gap"] <= row["gap"] + 1e-12 for row in state.records[1:])
    assert "likelihood_gap" not in start(SGD, 0).records[0]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_taken_up_again_ends_with_the_same_bytes(recipe: Recipe) -> None:
    estimator = replace(recipe.estimator, batch=8, samples=4)
    recipe = replace(recipe, steps=300, record=(0, 100, 256, 300), estimator=estimator)
    saved: list[State] = []
    whole = train(
        PROBLEM, SEEDS, recipe, start(recipe, *SEEDS), lambda state: saved.append(copy(state))
    )
    assert [state.step for state in saved] == [128, 256, 300]
    for kept in saved[:2]:
        resumed = train(PROBLEM, SEEDS, recipe, copy(kept))
        assert resumed.records == whole.records
        for name, tensor in whole.tensors.items():
            assert torch.equal(resumed.tensors[name], tensor), name


def test_a_finished_run_is_left_as_it_is_and_may_go_on() -> None:
    done = run(SGD, *SEEDS)
    again = train(PROBLEM, SEEDS, SGD, copy(done))
    assert again.records == done.records
    further = train(PROBLEM, SEEDS, replace(SGD, steps=60, record=(50, 60)), again)
    assert [row["step"] for row in further.records[-6:]] == [50, 50, 50, 60, 60, 60]


@pytest.mark.parametrize(
    ("batch", "samples", "drawn", "block", "parts"),
    [(1, 1, 2**13, BLOCK, 1), (16, 4, 2**13, 64, 1), (5, 3, 12, 1, 3), (2, 9, 12, 1, 2)],
)
def test_draws_have_the_asked_shapes(
    batch: int,
    samples: int,
    drawn: int,
    block: int,
    parts: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linear_draws, "DRAWN", drawn)
    estimator = Estimator("pathwise", batch, samples)
    draws = Draws(PROBLEM.points, Q, estimator, fresh(SEEDS))
    assert draws.block == block
    iterations = [list(batches) for batches in draws.iterations(3)]
    assert len(iterations) == 3
    for batches in iterations:
        assert len(batches) == parts
        counts = [points.shape[1] for points, _ in batches]
        assert sum(counts) == batch
        for (points, noise), count in zip(batches, counts, strict=True):
            assert points.shape == (3, count, D + 1)
            assert noise.shape == (3, Q, samples, count)
            assert points.dtype == noise.dtype == torch.float64


def test_draws_are_uniform_over_the_data_and_normal() -> None:
    """48,000 of each; frequencies and moments within 5 standard errors (55 assertions: 3e-5)."""
    draws = Draws(PROBLEM.points, Q, Estimator("pathwise", 8, 2), fresh(SEEDS))
    found = [batch for _ in range(8) for batches in draws.iterations(250) for batch in batches]
    points = torch.cat([points.flatten(0, 1) for points, _ in found])
    hits = (points[:, None] == PROBLEM.points).all(2).sum(0)
    n, size = len(points), len(PROBLEM.points)
    assert int(hits.sum()) == n == 48_000
    assert float((hits - n / size).abs().max()) < 5 * (n / size * (1 - 1 / size)) ** 0.5
    noise = torch.cat([noise.flatten() for _, noise in found])
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        error = (variance / len(noise)) ** 0.5
        assert abs(float(noise.pow(power).mean()) - mean) < 5 * error
    first, second = found[0][1][0], found[0][1][1]
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("optimiser", "scale", "estimator"),
    [
        ("sgd", 0.1, Estimator("pathwise", 4, 1)),
        ("adam", 0.1, Estimator("pathwise", 4, 1)),
        ("sgd", 0.1, Estimator("score", 4, 2, "mean")),
        ("adam", 0.1, Estimator("iwae", 4, 3)),
    ],
)
def test_training_reaches_probabilistic_pca(
    optimiser: Literal["sgd", "adam"], scale: float, estimator: Estimator
) -> None:
    """At beta = 1, where that is the optimum of the importance-weighted bound too."""
    recipe = Recipe(optimiser, scale, 0.5, 1500, estimator, (0, 1500))
    problem = replace(PROBLEM, model=LinearVae(0.5))
    parameters = initial_parameters(problem, SEEDS, 0.3)
    state = train(problem, SEEDS, recipe, initial_state(problem, parameters, SEEDS, recipe))
    first, last = state.records[:3], state.records[3:]
    for before, after in zip(first, last, strict=True):
        assert 0 < after["gap"] < 0.05 * before["gap"]
        assert after["mean_gradient"] < 0.5 * before["mean_gradient"]


@pytest.mark.parametrize("record", [(), (0, 40)])
def test_a_gradient_that_is_not_finite_names_run_and_iteration(record: tuple[int, ...]) -> None:
    state = start(SGD, *SEEDS)
    state.tensors["s"][1] = 800.0
    with pytest.raises(
        UserError, match=r"diverged by iteration 40: the gradient of seed 1 with sgd"
    ):
        train(PROBLEM, SEEDS, replace(SGD, record=record), state)
