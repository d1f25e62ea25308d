"""The convolutional VAE: disentanglement_lib's parameter counts, and torch's own layers."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vaentk.models.conv_vae import ConvVAE


def layers(channels: int, latent_dim: int) -> dict[str, nn.Module]:
    """The architecture as anybody would write it, by our names of the weights."""
    return {
        "enc_conv0": nn.Conv2d(channels, 32, 4, 2, 1),
        "enc_conv1": nn.Conv2d(32, 32, 4, 2, 1),
        "enc_conv2": nn.Conv2d(32, 64, 2, 2),
        "enc_conv3": nn.Conv2d(64, 64, 2, 2),
        "enc_dense": nn.Linear(1024, 256),
        "mean": nn.Linear(256, latent_dim),
        "logvar": nn.Linear(256, latent_dim),
        "dec_dense0": nn.Linear(latent_dim, 256),
        "dec_dense1": nn.Linear(256, 1024),
        "dec_conv0": nn.ConvTranspose2d(64, 64, 4, 2, 1),
        "dec_conv1": nn.ConvTranspose2d(64, 32, 4, 2, 1),
        "dec_conv2": nn.ConvTranspose2d(32, 32, 4, 2, 1),
        "dec_conv3": nn.ConvTranspose2d(32, channels, 4, 2, 1),
    }


@pytest.mark.parametrize(
    ("channels", "latent_dim", "count"),
    # 544 + 16416 + 8256 + 16448 + 262400 + 2 x 257 L in the encoder, 256 (L + 1) + 263168 + 65600
    # + 32800 + 16416 + 513 in the decoder, and 2 x 2 x 512 more for two more channels.
    [(1, 10, 690_517), (3, 10, 692_567), (1, 200, 836_817)],
)
def test_as_many_parameters_as_the_layers_have(channels: int, latent_dim: int, count: int) -> None:
    model = ConvVAE(channels, latent_dim)
    weights = model.initial_weights((0,))
    assert sum(weight.numel() for weight in weights.values()) == count
    reference = layers(channels, latent_dim)
    assert sum(p.numel() for layer in reference.values() for p in layer.parameters()) == count


def test_smaller_images_have_the_last_layers_of_the_encoder_and_first_of_the_decoder() -> None:
    assert ConvVAE.of_side(3, 10, 64) == ConvVAE(3, 10)
    whole, half = ConvVAE(3, 10).shapes(), ConvVAE.of_side(3, 10, 32)
    assert half.side == 32
    shapes = half.shapes()
    assert shapes["enc_conv0"] == (32, 3, 4, 4)
    assert [shapes[f"enc_conv{k}"] for k in (1, 2)] == [whole[f"enc_conv{k}"] for k in (2, 3)]
    assert [shapes[f"dec_conv{k}"] for k in (0, 1)] == [whole[f"dec_conv{k}"] for k in (0, 1)]
    assert shapes["dec_conv2"] == (32, 3, 4, 4)
    assert {name for name in whole if "conv3" not in name} == set(shapes)
    weights = half.initial_weights((0, 1))
    mean, logvar = half.encode(weights, torch.rand(2, 5, 3, 32, 32))
    assert mean.shape == logvar.shape == (2, 5, 10)
    assert half.decode(weights, mean).shape == (2, 5, 3, 32, 32)


@pytest.mark.parametrize(("channels", "latent_dim"), [(1, 10), (3, 200)])
def test_operations_are_those_that_torch_counts(channels: int, latent_dim: int) -> None:
    """On torch's own layers, whose convolutions are counted as they are written."""
    images = torch.rand(2, channels, 64, 64)
    with FlopCounterMode(display=False) as counter:
        mean, _, _ = found = run(layers(channels, latent_dim), images, torch.rand(2, latent_dim))
        # The codes here are no function of the images: their gradient is added below.
        sum(output.sum() for output in found).backward()
    assert mean.shape == (2, latent_dim)
    of_codes = 2 * 2 * 256 * latent_dim
    assert 2 * ConvVAE(channels, latent_dim).operations() == counter.get_total_flops() + of_codes


def run(reference: dict[str, nn.Module], images: Tensor, codes: Tensor) -> tuple[Tensor, ...]:
    x = images
    for place in range(4):
        x = reference[f"enc_conv{place}"](x).relu()
    x = reference["enc_dense"](x.flatten(1)).relu()
    y = reference["dec_dense1"](reference["dec_dense0"](codes).relu()).relu().view(-1, 64, 4, 4)
    for place in range(4):
        y = reference[f"dec_conv{place}"](y.relu())
    return reference["mean"](x), reference["logvar"](x), y


@pytest.mark.parametrize("channels", [1, 3])
def test_every_member_is_what_torchs_layers_give(channels: int) -> None:
    """float64; members see other images and have other weights."""
    model, generator = ConvVAE(channels, 5), torch.Generator().manual_seed(0)
    weights = {name: weight.double() for name, weight in model.initial_weights((3, 4)).items()}
    for name in weights:
        if name.endswith("_bias"):
            weights[name].normal_(generator=generator)
    images = torch.rand(2, 3, channels, 64, 64, generator=generator, dtype=torch.float64)
    codes = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    found = *model.encode(weights, images), model.decode(weights, codes)
    for member in range(2):
        reference = layers(channels, 5)
        for name, layer in reference.items():
            layer.double()
            layer.weight.data = weights[name][member]
            layer.bias.data = weights[f"{name}_bias"][member]
        expected = run(reference, images[member], codes[member])
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours[member], theirs, rtol=1e-10, atol=1e-10)


def test_weights_are_glorot_uniform_and_a_members_own() -> None:
    model = ConvVAE(1, 10)
    weights = model.initial_weights((0, 7))
    alone = model.initial_weights((7,))
    for name, weight in weights.items():
        assert torch.equal(weight[1], alone[name][0])
        if name.endswith("_bias"):
            assert not weight.any()
    # Fans are channels times positions of the kernel: 6 / (16 (32 + 64)) for 64 -> 32, 4x4.
    limit = (6 / (16 * 96)) ** 0.5
    assert float(weights["dec_conv1"].abs().max()) == pytest.approx(limit, rel=1e-3)
    assert float(weights["dec_conv1"].std()) == pytest.approx(limit / 3**0.5, rel=0.01)
