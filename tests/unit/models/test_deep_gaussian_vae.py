"""The deep Gaussian VAE: the authors' sizes, torch's own layers, and their way to start."""

from math import sqrt

import pytest
import torch
from torch import Tensor, nn

from vaentk.experiments.convergence.deep_vae import AUTHORS
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.deep_gaussian_vae import deep_vae
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.models.vae_sizes import deep_sizes

RELU = Nonlinearities.named("relu")
SOFT = Nonlinearities.soft_clipping(2.0)


def layers(
    channels: int, latent_dim: int, widths: tuple[int, ...], hidden: int
) -> dict[str, nn.Module]:
    """The architecture as anybody would write it, by our names of the weights."""
    sizes, last = (channels, *widths), len(widths) - 1
    found: dict[str, nn.Module] = {}
    for place in range(len(widths)):
        found[f"enc_conv{place}"] = nn.Conv2d(sizes[place], sizes[place + 1], 4, 2, 1)
        found[f"dec_conv{last - place}"] = nn.ConvTranspose2d(
            sizes[place + 1], sizes[place], 4, 2, 1
        )
    return found | {
        "enc_dense": nn.Linear(16 * widths[-1], hidden),
        "mean": nn.Linear(hidden, latent_dim),
        "logvar": nn.Linear(hidden, latent_dim),
        "dec_dense0": nn.Linear(latent_dim, hidden),
        "dec_dense1": nn.Linear(hidden, 16 * widths[-1]),
    }


def run(
    model: ConvVAE, reference: dict[str, nn.Module], images: Tensor, codes: Tensor
) -> tuple[Tensor, ...]:
    functions, count = model.functions, len(model.widths)
    x = images
    for place in range(count):
        x = functions.hidden(reference[f"enc_conv{place}"](x))
    x = functions.hidden(reference["enc_dense"](x.flatten(1)))
    y = functions.hidden(reference["dec_dense0"](codes))
    y = functions.hidden(reference["dec_dense1"](y)).view(-1, model.widths[-1], 4, 4)
    for place in range(count - 1):
        y = functions.hidden(reference[f"dec_conv{place}"](y))
    y = reference[f"dec_conv{count - 1}"](y)
    return functions.mean(reference["mean"](x)), functions.logvar(reference["logvar"](x)), y


@pytest.mark.parametrize(
    ("side", "widths", "hidden", "count"),
    [
        # 3136 + 131200 + 524544 + 2097664 + 8389632 + 2 x 102500 in the encoder,
        # 103424 + 8396800 + 2097408 + 524416 + 131136 + 3075 in the decoder
        (64, (64, 128, 256, 512), 1024, 22_607_435),
        # 1568 + 32832 + 131200 + 524544 + 2 x 25700, and 25856 + 526336 + 131136 + 32800 + 1539
        (32, (32, 64, 128), 256, 1_459_211),
    ],
)
def test_as_many_parameters_as_the_authors_layers_have(
    side: int, widths: tuple[int, ...], hidden: int, count: int
) -> None:
    model = deep_vae(3, 100, widths, hidden, RELU)
    assert (model.side, model.latent_dim, model.channels) == (side, 100, 3)
    assert sum(torch.Size(shape).numel() for shape in model.shapes().values()) == count
    with torch.device("meta"):
        reference = layers(3, 100, widths, hidden)
    assert sum(p.numel() for layer in reference.values() for p in layer.parameters()) == count
    for name, layer in reference.items():
        assert model.shapes()[name] == tuple(layer.weight.shape)
        assert model.shapes()[f"{name}_bias"] == tuple(layer.bias.shape)


@pytest.mark.parametrize("functions", [RELU, SOFT])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_member_is_what_torchs_layers_give(channels: int, functions: Nonlinearities) -> None:
    """float64; members see other images and have other weights."""
    model = deep_vae(channels, 5, (6, 8, 10), 12, functions)
    generator = torch.Generator().manual_seed(0)
    weights = {name: weight.double() for name, weight in model.initial_weights((3, 4)).items()}
    images = torch.rand(2, 3, channels, 32, 32, generator=generator, dtype=torch.float64)
    codes = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    found = *model.encode(weights, images), model.decode(weights, codes)
    for member in range(2):
        reference = layers(channels, 5, (6, 8, 10), 12)
        for name, layer in reference.items():
            layer.double()
            layer.weight.data = weights[name][member]
            layer.bias.data = weights[f"{name}_bias"][member]
        expected = run(model, reference, images[member], codes[member])
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours[member], theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("side", AUTHORS)
def test_the_authors_networks_run_at_their_sizes(side: int) -> None:
    """One image there and back; soft-clipping holds the heads within their bounds."""
    model = deep_vae(3, 100, *AUTHORS[side], SOFT)
    weights = model.initial_weights((0,))
    weights["mean_bias"].fill_(1e4)
    weights["logvar_bias"].fill_(-1e4)
    mean, logvar = model.encode(weights, torch.rand(1, 1, 3, side, side))
    assert mean.shape == logvar.shape == (1, 1, 100)
    assert mean.unique().tolist() == [50.0]
    assert logvar.unique().tolist() == [-20.0]
    assert model.decode(weights, torch.zeros(1, 1, 100)).shape == (1, 1, 3, side, side)


def test_weights_start_as_torchs_layers_do_and_are_a_members_own() -> None:
    """Uniform within torch's own bound, to a percent; by the same number of draws."""
    model = deep_vae(3, 50, (32, 64), 128, RELU)
    weights, alone = model.initial_weights((0, 7)), model.initial_weights((7,))
    for name, layer in layers(3, 50, (32, 64), 128).items():
        inputs, _ = nn.init._calculate_fan_in_and_fan_out(layer.weight)
        limit = 1 / sqrt(inputs)
        for kind in (name, f"{name}_bias"):
            assert torch.equal(weights[kind][1], alone[kind][0])
            assert float(weights[kind].abs().max()) <= limit
            assert float(weights[kind].abs().max()) > 0.8 * limit
        assert float(layer.weight.detach().abs().max()) == pytest.approx(limit, rel=0.01)
        assert float(weights[name].abs().max()) == pytest.approx(limit, rel=0.01)
        assert float(weights[name].std()) == pytest.approx(limit / sqrt(3), rel=0.03)


def test_the_decoder_is_told_by_its_names() -> None:
    names = deep_sizes(3, 100, *AUTHORS[32]).shapes()
    decoder = [name for name in names if name.startswith("dec")]
    assert len(decoder) == 2 * (2 + 3)
    assert len(names) - len(decoder) == 2 * (3 + 1 + 2)
