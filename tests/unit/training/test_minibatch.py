"""Minibatch training: the objective in closed form, members alone and together, resumed runs."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.dense_vae import DenseVAE
from vaentk.training.minibatch import BLOCK, Member, Recipe, initial_state, losses, train
from vaentk.training.state import State

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


def run(images: ImageSet, *members: Member, steps: int = 4, threads: int = 1) -> State:
    state = initial_state(MODEL, members, "cpu")
    recipe = Recipe(steps, RECIPE.batch, RECIPE.learning_rate, RECIPE.record_every)
    return train(MODEL, images, members, recipe, state, threads=threads)


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


@pytest.mark.parametrize("threads", [1, 2])
def test_a_member_ends_where_it_ends_alone(images: ImageSet, threads: int) -> None:
    """With the same bytes: on a CPU every member is computed by itself, on one thread."""
    together = run(images, *MEMBERS, threads=threads)
    for place, member in enumerate(MEMBERS):
        alone = run(images, member)
        for name, tensor in alone.tensors.items():
            assert torch.equal(together.tensors[name][place], tensor[0]), name
        theirs = [row for row in together.records if row["seed"] == member.seed]
        assert [row for row in theirs if row["beta"] == member.beta] == alone.records


def test_the_gradients_of_grouped_members_are_those_of_each_alone() -> None:
    """What a GPU trains: all members as groups of one network. float64, to rounding."""
    generator = torch.Generator().manual_seed(2)
    drawn = MODEL.initial_weights((0, 1))
    weights = {name: weight.double().requires_grad_() for name, weight in drawn.items()}
    batch = torch.rand(2, 3, 1, 64, 64, generator=generator, dtype=torch.float64)
    noise = torch.randn(2, 3, 3, generator=generator, dtype=torch.float64)
    beta = torch.tensor([1.0, 4.0], dtype=torch.float64)
    losses(MODEL, weights, batch, noise, beta).total.sum().backward()
    for place in range(2):
        own = slice(place, place + 1)
        alone = {name: w[own].detach().requires_grad_() for name, w in weights.items()}
        losses(MODEL, alone, batch[own], noise[own], beta[own]).total.sum().backward()
        for name, weight in alone.items():
            torch.testing.assert_close(weights[name].grad[own], weight.grad, rtol=1e-9, atol=1e-12)


def test_training_is_adam_as_torch_has_it(images: ImageSet) -> None:
    """A plain loop over torch's own layers' gradients, with the same draws, in float32.

    Adam takes a step of the learning rate also where a gradient is rounding alone, so single
    weights may part; all of them together do by less than 1% of the way that they went.
    """
    member, steps = Member(3, 4.0), 4
    found = run(images, member, steps=steps)
    start = initial_state(MODEL, [member], "cpu")
    weights = {name: w.clone().requires_grad_() for name, w in start.part("weights").items()}
    optimiser = torch.optim.Adam(weights.values(), lr=RECIPE.learning_rate)
    generator = torch.Generator()
    generator.set_state(start.tensors["generators"][0].clone())
    numbers = torch.randint(len(images), (steps, RECIPE.batch), generator=generator)
    noise = torch.randn(steps, RECIPE.batch, 3, generator=generator)
    for chosen, drawn in zip(numbers, noise, strict=True):
        batch = images.pixels[chosen].float()[None] / 255
        optimiser.zero_grad()
        losses(MODEL, weights, batch, drawn[None], torch.tensor([4.0])).total.sum().backward()
        optimiser.step()
    apart = way = 0.0
    for name, weight in found.part("weights").items():
        apart += float((weight - weights[name].detach()).square().sum())
        way += float((weight - start.part("weights")[name]).square().sum())
    assert apart < 1e-4 * way


def test_a_run_taken_up_again_ends_with_the_same_bytes(images: ImageSet) -> None:
    recipe, saved = Recipe(BLOCK + 3, 2, 1e-3, 2), []

    def tick(state: State) -> None:
        tensors = {name: tensor.clone() for name, tensor in state.tensors.items()}
        saved.append(State(state.step, tensors, list(state.records)))

    whole = train(MODEL, images, MEMBERS, recipe, initial_state(MODEL, MEMBERS, "cpu"), tick)
    assert [state.step for state in saved] == [BLOCK, BLOCK + 3]
    resumed = train(MODEL, images, MEMBERS, recipe, saved[0])
    assert resumed.step == whole.step
    assert resumed.records == whole.records
    for name, tensor in whole.tensors.items():
        assert torch.equal(resumed.tensors[name], tensor), name


@pytest.mark.usefixtures("gpu")
def test_on_a_gpu_a_member_ends_where_it_ends_alone(images: ImageSet) -> None:
    """To rounding: all members are one graph of grouped operations there."""
    on_gpu = images.to("cuda")

    def trained(*members: Member) -> State:
        return train(MODEL, on_gpu, members, RECIPE, initial_state(MODEL, members, "cuda"))

    together = trained(*MEMBERS)
    for place, member in enumerate(MEMBERS):
        alone = trained(member)
        theirs = [row for row in together.records if row["seed"] == member.seed]
        theirs = [row["loss"] for row in theirs if row["beta"] == member.beta]
        assert theirs == pytest.approx([row["loss"] for row in alone.records], rel=1e-4)
        step = together.tensors["weights/mean"][place] - alone.tensors["weights/mean"][0]
        assert float(step.abs().max()) < RECIPE.learning_rate


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


def test_weights_are_kept_as_a_shorter_training_ends_with_them(images: ImageSet) -> None:
    """Looking changes nothing: the same bytes at the kept step and at the end."""
    model, members = DenseVAE(1, 64, 2, (4,)), MEMBERS[:2]
    recipe = Recipe(2 * BLOCK, 2, 1e-3, 10, kept=(BLOCK,))
    state = initial_state(model, members, "cpu", recipe.kept)
    train(model, images, members, recipe, state)
    for steps, kind in ((BLOCK, f"kept/{BLOCK}"), (2 * BLOCK, "weights")):
        plain = initial_state(model, members, "cpu")
        train(model, images, members, Recipe(steps, 2, 1e-3, 10), plain)
        for name, weight in plain.part("weights").items():
            assert torch.equal(state.part(kind)[name], weight), name
