"""Models, likelihoods and images as an experiment's settings ask for them."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from vaentk.bounds.likelihoods import Bernoulli, Gaussian
from vaentk.data.facts import Facts
from vaentk.data.image_set import ImageSet
from vaentk.errors import UserError
from vaentk.experiments.convergence.deep_vae import DeepNetwork
from vaentk.experiments.convergence.deep_vae.networks import likelihood_of, model_of, source_of


def faces(count: int = 6, side: int = 64) -> ImageSet:
    """Noise; the last two images are for testing."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, 3, side, side)
    pixels = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
    facts = Facts("noise", "celeba", "stand-in", "", (3, side, side), count)
    parts = torch.zeros(count, dtype=torch.uint8)
    parts[-2:] = 2
    return ImageSet(facts, pixels, parts=parts)


def test_the_authors_networks_are_chosen_by_side() -> None:
    """Their sizes: convolutions to 512 and 1024 units for CelebA, 128 and 256 for CIFAR-100."""
    large, small = model_of(DeepNetwork()), model_of(DeepNetwork(dataset="cifar", side=32))
    assert (large.side, large.widths, large.hidden) == (64, (64, 128, 256, 512), 1024)
    assert (small.side, small.widths, small.hidden) == (32, (32, 64, 128), 256)
    assert large.latent_dim == small.latent_dim == 100
    other = model_of(DeepNetwork(side=32, widths=(4, 5, 6), hidden=7, latent=8))
    assert (other.widths, other.hidden, other.latent_dim) == ((4, 5, 6), 7, 8)


def test_a_fully_connected_network_has_the_layers_and_torchs_initial_weights() -> None:
    network = DeepNetwork(side=16, model="dense", layers=(9, 8), latent=3, activation="gelu")
    model = model_of(network)
    assert (model.channels, model.side, model.latent_dim) == (3, 16, 3)
    weights = model.initial_weights((0,))
    assert weights["dec_dense1"].shape == (1, 9, 8)
    assert weights["enc_dense0_bias"].any()


def test_activations_are_those_named() -> None:
    """ReLU of 60 is 60; soft-clipping's bounds are 0 and 50, and 50 for the mean's head."""
    at = torch.tensor([-3.0, 60.0], dtype=torch.float64)
    relu = model_of(DeepNetwork(activation="relu")).functions
    torch.testing.assert_close(relu.hidden(at), torch.tensor([0.0, 60.0], dtype=torch.float64))
    torch.testing.assert_close(relu.mean(at), at)
    clipped = model_of(DeepNetwork(activation="soft_clipping", sharpness=10.0)).functions
    bounds = torch.tensor([0.0, 50.0], dtype=torch.float64)
    torch.testing.assert_close(clipped.hidden(at), bounds, rtol=0, atol=1e-12)
    torch.testing.assert_close(clipped.mean(at)[1], bounds[1], rtol=0, atol=1e-12)


def test_likelihoods_are_those_named() -> None:
    assert likelihood_of(DeepNetwork()) == Bernoulli()
    assert likelihood_of(DeepNetwork(likelihood="gaussian", deviation=0.3)) == Gaussian(0.3)


def test_a_source_has_the_first_images_of_its_part_pooled_to_the_side() -> None:
    images = faces()

    def pooled(number: int) -> Tensor:
        blocks = images.pixels[number].double().view(3, 32, 2, 32, 2)
        return (blocks.mean(dim=(2, 4)).round() / 255).float()

    network = DeepNetwork(side=32, images=3)
    train, test = source_of(network, images), source_of(network, images, "test", 1)
    assert train.numbers.tolist() == [0, 1, 2]
    assert test.numbers.tolist() == [4]
    torch.testing.assert_close(train.images(torch.tensor([2]))[0], pooled(2))
    whole = source_of(DeepNetwork(), images).images(torch.tensor([0]))
    assert torch.equal(whole[0], images.pixels[0] / 255)
    assert source_of(DeepNetwork(), images, "test").numbers.tolist() == [4, 5]


@pytest.mark.parametrize(
    ("network", "part", "count", "sentence"),
    [
        (DeepNetwork(images=5), "train", None, "5 train images of noise are asked for, and"),
        (DeepNetwork(), "test", 3, "3 test images of noise are asked for, and there are 2: "),
        (DeepNetwork(), "validation", None, "some validation images of noise are asked for"),
    ],
)
def test_too_few_images_are_one_sentence(
    network: DeepNetwork, part: str, count: int | None, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        source_of(network, faces(), part, count)  # type: ignore[arg-type]


def test_images_of_another_size_are_one_sentence() -> None:
    with pytest.raises(
        UserError, match="have 48 pixels a side, which cannot be pooled to 32: choose"
    ):
        source_of(DeepNetwork(side=32), faces(side=48))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"dataset": "cifar"}, "side is 64, but images of cifar have 32 pixels"),
        ({"side": 16}, "side is 16: needs widths and hidden, or model: dense"),
        ({"hidden": 3}, "takes both widths and hidden, or neither"),
        ({"widths": [4, 4], "hidden": 3}, "halve 64 pixels to 16 and not to 4"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        DeepNetwork.from_plain(settings)
