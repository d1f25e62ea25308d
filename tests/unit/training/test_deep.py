"""Training of deep VAEs: members alone and together, resumed, step sizes, epochs, divergence."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vaentk.bounds.bound import Bound
from vaentk.bounds.images import ImageSource
from vaentk.bounds.likelihoods import Bernoulli
from vaentk.errors import UserError
from vaentk.models.deep_gaussian_vae import deep_vae
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.training import deep
from vaentk.training.deep import (
    DRAWN,
    NOISE,
    ORDER,
    Recipe,
    evaluation_steps,
    initial_state,
    rate,
    train,
)
from vaentk.training.evaluation import Evaluation, generator
from vaentk.training.state import State

MODEL = deep_vae(1, 2, (3,), 5, Nonlinearities.named("gelu"))
PIXELS = torch.rand(11, 1, 8, 8, generator=torch.Generator().manual_seed(0))
SOURCE = ImageSource(PIXELS.__getitem__, torch.arange(10))
HELD_OUT = ImageSource(PIXELS.__getitem__, torch.arange(8, 11))
EVALUATION = Evaluation({"train": SOURCE, "held_out": HELD_OUT}, codes=2, batch=4)
RECIPE = Recipe("base", (0, 7), 4, 1e-2, "per-epoch", "adam", 1, 1.0, False, (0, 1, 3, 8))
BOUND = Bound(MODEL, Bernoulli())
IWAE = Bound(MODEL, Bernoulli(), "iwae")


def run(recipe: Recipe = RECIPE, bound: Bound = BOUND, threads: int = 1) -> State:
    state = initial_state(MODEL.initial_weights(recipe.seeds))
    return train(bound, SOURCE, EVALUATION, recipe, state, threads=threads)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_member_ends_where_it_ends_alone(optimiser: str) -> None:
    """With the same bytes, and so does what is measured of it."""
    recipe = replace(RECIPE, optimiser=optimiser, codes=2)
    together = run(recipe, IWAE, threads=2)
    for place, seed in enumerate(recipe.seeds):
        alone = run(replace(recipe, seeds=(seed,)), IWAE)
        for name, tensor in alone.tensors.items():
            assert torch.equal(together.tensors[name][place], tensor[0]), name
        assert [row for row in together.records if row["seed"] == seed] == alone.records


def test_training_is_torchs_adam_on_reshuffled_epochs() -> None:
    """A plain loop in the same draws: two batches of 4 of 10 images an epoch, then another order.

    Adam steps by the whole rate where a gradient is rounding alone: all weights together end within
    1% of the way that they went.
    """
    found = run(replace(RECIPE, seeds=(7,)))
    start = MODEL.initial_weights((7,))
    weights = {name: weight.clone().requires_grad_() for name, weight in start.items()}
    optimiser = torch.optim.Adam(weights.values())
    cpu = torch.device("cpu")
    for step in range(8):
        epoch, place = divmod(step, 2)
        order = torch.randperm(10, generator=generator(cpu, 7, ORDER, epoch))
        images = PIXELS[order[4 * place : 4 * place + 4]][None]
        noise = torch.randn(1, 1, 4, 2, generator=generator(cpu, 7, NOISE, step))
        optimiser.param_groups[0]["lr"] = 1e-2 / math.sqrt(epoch + 1)
        optimiser.zero_grad()
        mean, logvar = MODEL.encode(weights, images)
        logits = MODEL.decode(weights, mean + noise[:, 0] * (logvar / 2).exp())
        cross = torch.nn.functional.binary_cross_entropy_with_logits
        kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum()
        ((cross(logits, images, reduction="sum") + kl) / 4).backward()
        optimiser.step()
    apart = way = 0.0
    for name, weight in found.part("weights").items():
        apart += float((weight - weights[name].detach()).square().sum())
        way += float((weight - start[name]).square().sum())
    assert apart < 1e-4 * way


def test_a_run_taken_up_again_ends_with_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """From within an epoch, before an evaluation, after one."""
    monkeypatch.setattr(deep, "BLOCK", 2)
    saved = []

    def tick(state: State) -> None:
        tensors = {name: tensor.clone() for name, tensor in state.tensors.items()}
        saved.append(State(state.step, tensors, list(state.records)))

    start = initial_state(MODEL.initial_weights(RECIPE.seeds))
    whole = train(BOUND, SOURCE, EVALUATION, RECIPE, start, tick)
    assert [state.step for state in saved] == [0, 1, 3, 5, 7, 8]
    for state in saved:
        resumed = train(BOUND, SOURCE, EVALUATION, RECIPE, state)
        assert resumed.records == whole.records
        for name, tensor in whole.tensors.items():
            assert torch.equal(resumed.tensors[name], tensor), name


def test_sgd_goes_against_the_gradient_by_the_step_size() -> None:
    """One update of SGD, against the bound's own gradient in the same draws: 1e-6 of rounding."""
    recipe = replace(RECIPE, seeds=(0,), optimiser="sgd", evaluated=(0, 1))
    found, start, cpu = (
        run(recipe).part("weights"),
        MODEL.initial_weights((0,)),
        torch.device("cpu"),
    )
    order = torch.randperm(10, generator=generator(cpu, 0, ORDER, 0))
    noise = torch.randn(1, 1, 4, 2, generator=generator(cpu, 0, NOISE, 0))
    _, gradient = BOUND.gradient(start, PIXELS[order[:4]][None], noise, torch.ones(1))
    for name, weight in found.items():
        torch.testing.assert_close(
            weight, start[name] - 1e-2 * gradient[name], rtol=1e-6, atol=1e-7
        )


def test_step_sizes() -> None:
    """C over the root of the epoch, counted from 1, or of the update; or C."""
    sizes = {
        stepping: [rate(replace(RECIPE, stepping=stepping), step, 3) for step in (0, 2, 3, 26)]
        for stepping in ("per-epoch", "per-iteration", "constant")
    }
    assert sizes["per-epoch"] == [1e-2, 1e-2, 1e-2 / math.sqrt(2), 1e-2 / 3]
    assert sizes["per-iteration"] == [1e-2, 1e-2 / math.sqrt(3), 5e-3, 1e-2 / math.sqrt(27)]
    assert sizes["constant"] == [1e-2] * 4


def test_times_are_even_in_the_logarithm_with_the_first_epochs_end() -> None:
    assert evaluation_steps(1000, 30, 2) == (0, 1, 3, 10, 30, 100, 316, 1000)
    assert evaluation_steps(1000, 20, 2) == (0, 1, 3, 10, 20, 32, 100, 316, 1000)
    assert evaluation_steps(1, 1, 8) == (0, 1)


def test_measurements_are_the_bounds_own() -> None:
    """Row by row against the bound at the same weights and 3000 draws of codes."""
    recipe = replace(RECIPE, seeds=(7,), beta=4.0, evaluated=(0, 1))
    row = run(recipe).records[0]
    weights, beta = MODEL.initial_weights((7,)), torch.full((1,), 4.0)
    assert (row["seed"], row["step"], row["epoch"]) == (7, 0, 0)
    assert row["negative_elbo"] == pytest.approx(row["reconstruction"] + row["kl"], rel=1e-6)
    assert row["loss"] == pytest.approx(row["reconstruction"] + 4 * row["kl"], rel=1e-6)
    assert row["held_out_negative_bound"] <= row["held_out_negative_elbo"]
    noise = torch.randn(1, 3000, 10, 2, generator=torch.Generator().manual_seed(1))
    values, _ = BOUND.gradient(weights, PIXELS[None, :10], noise, beta)
    assert row["loss"] == pytest.approx(float(values.loss.mean()), rel=0.02)


@pytest.mark.parametrize("independent", [True, False])
def test_sums_are_those_of_every_updates_halves(independent: bool) -> None:
    """Update by update, by hand, in the run's own draws and at its own weights."""
    evaluated = tuple(range(7))
    recipe = replace(RECIPE, seeds=(7,), independent=independent, evaluated=evaluated)
    found, cpu = run(recipe), torch.device("cpu")
    state = initial_state(MODEL.initial_weights((7,)))
    products: list[list[float]] = []
    for step in evaluated[1:]:
        weights = {name: weight.clone() for name, weight in state.part("weights").items()}
        if independent:
            numbers = SOURCE.draw(4, generator(cpu, 7, DRAWN, step - 1))
        else:
            epoch, place = divmod(step - 1, 2)
            order = torch.randperm(10, generator=generator(cpu, 7, ORDER, epoch))
            numbers = order[4 * place : 4 * place + 4]
        noise = torch.randn(1, 1, 4, 2, generator=generator(cpu, 7, NOISE, step - 1))
        _, first = BOUND.gradient(
            weights, PIXELS[numbers[:2]][None], noise[:, :, :2], torch.ones(1)
        )
        _, second = BOUND.gradient(
            weights, PIXELS[numbers[2:]][None], noise[:, :, 2:], torch.ones(1)
        )
        dots = {name: float((first[name] * second[name]).sum()) for name in first}
        theta = sum(dot for name, dot in dots.items() if name.startswith("dec"))
        whole = sum(float((first[name] + second[name]).square().sum()) / 4 for name in first)
        products.append([sum(dots.values()) - theta, theta, whole])
        state = train(BOUND, SOURCE, EVALUATION, replace(recipe, evaluated=(0, step)), state)
    sums = np.cumsum([[0.0] * 3, *products], axis=0)
    names = ("phi", "theta", "batch")
    recorded = [[row[f"sum_{name}"] for name in names] for row in found.records]
    np.testing.assert_allclose(recorded, sums, rtol=1e-5)
    scatter = np.square(np.diff(products, axis=0)).sum(axis=0) / 2
    last = [found.records[-1][f"scatter_{name}"] for name in names]
    np.testing.assert_allclose(last, scatter, rtol=1e-4)


def test_variants_see_the_same_images() -> None:
    """Whatever K and beta: so that differences between variants are of one seed."""
    seen: list[list[int]] = []

    def watched(numbers: torch.Tensor) -> torch.Tensor:
        seen[-1] += numbers.tolist()
        return PIXELS[numbers]

    for recipe, bound in ((RECIPE, BOUND), (replace(RECIPE, codes=3, beta=2.0), IWAE)):
        seen.append([])
        source = ImageSource(watched, torch.arange(10))
        state = initial_state(MODEL.initial_weights(recipe.seeds))
        train(bound, source, EVALUATION, recipe, state)
    assert len(seen[0]) == len(seen[1]) == 2 * 8 * 4
    assert seen[0] == seen[1]


def test_divergence_names_variant_and_step() -> None:
    state = initial_state(MODEL.initial_weights(RECIPE.seeds))
    state.tensors["weights/mean_bias"][1] = math.nan
    with pytest.raises(UserError, match="training of base diverged by step 0: the loss of seed 7"):
        train(BOUND, SOURCE, EVALUATION, RECIPE, state)
    with pytest.raises(UserError, match=r"diverged by step [1-7]: the loss of seed"):
        run(replace(RECIPE, learning_rate=math.inf))


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_on_a_gpu_a_member_ends_where_it_ends_alone(optimiser: str) -> None:
    """To rounding: all members are one graph of grouped operations there."""
    pixels = PIXELS.cuda()
    source = ImageSource(pixels.__getitem__, torch.arange(10, device="cuda"))
    evaluation = replace(EVALUATION, parts={"train": source, "held_out": source})

    def trained(recipe: Recipe) -> State:
        start = {n: w.cuda() for n, w in MODEL.initial_weights(recipe.seeds).items()}
        return train(BOUND, source, evaluation, recipe, initial_state(start))

    recipe = replace(RECIPE, optimiser=optimiser)
    together = trained(recipe)
    for seed in recipe.seeds:
        alone = trained(replace(recipe, seeds=(seed,)))
        theirs = [row["loss"] for row in together.records if row["seed"] == seed]
        assert theirs == pytest.approx([row["loss"] for row in alone.records], rel=1e-4)
