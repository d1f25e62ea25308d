"""Minibatch training: the objective in closed form, members alone and together, resumed runs."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.models.conv_vae import ConvVAE
from vaentk.training.minibatch import Member, Recipe, State, initial_state, losses, train

MODEL = ConvVAE(1, 3)
RECIPE = Recipe(steps=4, batch=2, learning_rate=1e-3, record_every=2)
MEMBERS = (Member(0, 1.0), Member(1, 4.0), Member(1, 1.0))


@pytest.fixture(scope="module")
def images() -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(64, (9, 1, 64, 64), generator=generator, dtype=torch.uint8)
    facts = Facts(
        name="noise", dataset="noise", data="drawn", source="", shape=(1, 64, 64), official=9
    )
    return ImageSet(facts, pixels)


def run(images: ImageSet, *members: Member, steps: int = 4) -> State:
    state = initial_state(MODEL, members, "cpu")
    recipe = Recipe(steps, RECIPE.batch, RECIPE.learning_rate, RECIPE.record_every)
    return train(MODEL, images, members, recipe, state)


def test_losses_are_those_of_torchs_distributions() -> None:
    generator = torch.Generator().manual_seed(1)
    weights = MODEL.initial_weights((0, 1))
    batch = torch.rand(2, 5, 1, 64, 64, generator=generator).round()
    noise = torch.randn(2, 5, 3, generator=generator)
    beta = torch.tensor([1.0, 4.0])
    found = losses(MODEL, weights, batch, noise, beta)
    mean, logvar = MODEL.encode(weights, batch)
    posterior = Normal(mean, (logvar / 2).exp())
    logits = MODEL.decode(weights, mean + noise * posterior.scale)
    reconstruction = -Bernoulli(logits=logits).log_prob(batch).sum((2, 3, 4)).mean(1)
    kl = kl_divergence(posterior, Normal(0, 1)).mean(1)
    torch.testing.assert_close(found.reconstruction, reconstruction)
    torch.testing.assert_close(found.kl, kl, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(found.total, reconstruction + beta * kl.sum(1))
    # An untrained network knows nothing of a pixel: log 2 nats each, and nearly no KL.
    assert float(found.reconstruction[0]) == pytest.approx(4096 * math.log(2), rel=0.02)


def test_a_member_ends_where_it_ends_alone(images: ImageSet) -> None:
    """To rounding, which batched products sum in another order. Adam takes a step of the learning
    rate also where a gradient is rounding alone, so single weights may part; all of them together
    do by less than 1% of the way that they went."""
    together = run(images, *MEMBERS)
    for place, member in enumerate(MEMBERS):
        alone, start = run(images, member), initial_state(MODEL, [member], "cpu").weights()
        apart = way = 0.0
        for name, weight in alone.weights().items():
            apart += float((together.weights()[name][place] - weight[0]).square().sum())
            way += float((weight - start[name]).square().sum())
        assert apart < 1e-4 * way
        theirs = [row for row in together.records if row["seed"] == member.seed]
        theirs = [row["loss"] for row in theirs if row["beta"] == member.beta]
        assert theirs == pytest.approx([row["loss"] for row in alone.records], rel=1e-5)


def test_a_run_taken_up_again_ends_with_the_same_bytes(images: ImageSet) -> None:
    whole = run(images, *MEMBERS)
    half = run(images, *MEMBERS, steps=2)
    copy = State(half.step, {k: t.clone() for k, t in half.tensors.items()}, list(half.records))
    resumed = train(MODEL, images, MEMBERS, RECIPE, copy)
    assert resumed.step == whole.step
    for name, tensor in whole.tensors.items():
        assert torch.equal(resumed.tensors[name], tensor), name


def test_records_hold_the_objective_and_fall(images: ImageSet) -> None:
    state = run(images, *MEMBERS, steps=30)
    assert [row["step"] for row in state.records[:6]] == [0, 0, 0, 2, 2, 2]
    assert state.records[-1]["step"] == 29
    for row in state.records:
        total = row["reconstruction"] + row["beta"] * row["kl"]
        assert row["loss"] == pytest.approx(total, rel=1e-6)
    first, last = state.records[0], state.records[-3]
    assert first["seed"] == last["seed"] == 0
    assert last["loss"] < 0.9 * first["loss"]


def test_a_loss_that_is_not_finite_names_member_and_step(images: ImageSet) -> None:
    state = initial_state(MODEL, MEMBERS, "cpu")
    state.tensors["weights/mean_bias"][1] = math.nan
    with pytest.raises(UserError, match=r"diverged by step 0: the loss of seed 1 at beta 4 is nan"):
        train(MODEL, images, MEMBERS, RECIPE, state)
