"""The fully connected VAE of images: torch's own layers, its operations and its weights."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vaentk.models.dense_vae import DenseVAE

MODEL = DenseVAE(channels=3, side=8, latent_dim=5, hidden=(16, 12))


def layers() -> dict[str, nn.Linear]:
    """The architecture as anybody would write it, by our names of the weights."""
    sizes = {
        "enc_dense0": (192, 16),
        "enc_dense1": (16, 12),
        "mean": (12, 5),
        "logvar": (12, 5),
        "dec_dense0": (5, 12),
        "dec_dense1": (12, 16),
        "dec_dense2": (16, 192),
    }
    return {name: nn.Linear(*size) for name, size in sizes.items()}


def run(reference: dict[str, nn.Linear], images: Tensor, codes: Tensor) -> tuple[Tensor, ...]:
    x = reference["enc_dense1"](reference["enc_dense0"](images.flatten(1)).relu()).relu()
    y = reference["dec_dense1"](reference["dec_dense0"](codes).relu()).relu()
    outputs = reference["dec_dense2"](y).view(-1, 3, 8, 8)
    return reference["mean"](x), reference["logvar"](x), outputs


def test_every_member_is_what_torchs_layers_give() -> None:
    """float64; members see other images and have other weights."""
    generator = torch.Generator().manual_seed(0)
    weights = {name: weight.double() for name, weight in MODEL.initial_weights((3, 4)).items()}
    for name in weights:
        if name.endswith("_bias"):
            weights[name].normal_(generator=generator)
    images = torch.rand(2, 6, 3, 8, 8, generator=generator, dtype=torch.float64)
    codes = torch.randn(2, 6, 5, generator=generator, dtype=torch.float64)
    found = *MODEL.encode(weights, images), MODEL.decode(weights, codes)
    for member in range(2):
        reference = layers()
        for name, layer in reference.items():
            layer.double()
            layer.weight.data = weights[name][member]
            layer.bias.data = weights[f"{name}_bias"][member]
        expected = run(reference, images[member], codes[member])
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours[member], theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("codes", [1, 4])
def test_operations_are_those_that_torch_counts(codes: int) -> None:
    """Of two images; the decoder sees every code."""
    images = torch.rand(2, 3, 8, 8)
    with FlopCounterMode(display=False) as counter:
        found = run(layers(), images, torch.rand(2 * codes, 5))
        # The codes here are no function of the images: their gradient is added below.
        sum(output.sum() for output in found).backward()
    of_codes = 2 * 2 * codes * 12 * 5
    assert 2 * MODEL.operations(codes) == counter.get_total_flops() + of_codes


def test_outputs_are_counted_layer_by_layer() -> None:
    assert MODEL.outputs() == (16 + 12, 12 + 16 + 192)


def test_weights_are_glorot_uniform_and_a_members_own() -> None:
    weights, alone = MODEL.initial_weights((0, 7)), MODEL.initial_weights((7,))
    for name, weight in weights.items():
        assert torch.equal(weight[1], alone[name][0])
        assert weight.any() != name.endswith("_bias")
    limit = (6 / (192 + 16)) ** 0.5
    assert float(weights["enc_dense0"].abs().max()) == pytest.approx(limit, rel=1e-2)
    torchs = DenseVAE(3, 8, 5, (16, 12), glorot=False).initial_weights((0,))
    assert float(torchs["enc_dense0_bias"].abs().max()) <= 192**-0.5
    assert torchs["enc_dense0_bias"].any()
