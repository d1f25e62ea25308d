"""Layers in bfloat16 beside float32: what they give, and how far gradients are from exact ones."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from vaentk.bounds.bound import Bound
from vaentk.bounds.likelihoods import Bernoulli
from vaentk.models.conv_vae import ConvVAE
from vaentk.models.dense_vae import DenseVAE
from vaentk.models.nonlinearities import Nonlinearities
from vaentk.models.precision import products_of

SOFT = Nonlinearities.soft_clipping(2.0)
MODELS = {
    "convolutional": ConvVAE(1, 5),
    "deep, colour": ConvVAE(3, 5, (8, 16), 32, (4, 4), SOFT, glorot=False),
    "fully connected": DenseVAE(3, 16, 5, (32, 32)),
}
MODEL = pytest.mark.parametrize("name", MODELS)


def material(name: str) -> tuple[ConvVAE | DenseVAE, dict[str, Tensor], Tensor, Tensor]:
    model = MODELS[name]
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 16, model.channels, model.side, model.side, generator=generator)
    drawn = torch.randn(2, 4, 16, 5, generator=generator)
    return model, model.initial_weights((0, 1)), images, drawn


@MODEL
def test_what_a_model_gives_is_float32_and_near_in_bfloat16(name: str) -> None:
    """8 bits: 0.4% a rounding, and a few of them on the way."""
    model, weights, images, drawn = material(name)
    rounded = replace(model, precision="bfloat16")
    codes = drawn[:, 0]
    exact = *model.encode(weights, images), model.decode(weights, codes)
    found = *rounded.encode(weights, images), rounded.decode(weights, codes)
    for near, far in zip(exact, found, strict=True):
        assert far.dtype == torch.float32
        assert not torch.equal(near, far)
        assert float((near - far).norm() / near.norm()) < 0.02


@MODEL
@pytest.mark.parametrize("estimator", ["elbo", "iwae", "iwae-dreg"])
def test_a_gradient_in_bfloat16_is_near_and_has_float32(name: str, estimator: str) -> None:
    """Far less than a batch's own noise, which is of the gradient's size."""
    model, weights, images, drawn = material(name)
    beta = torch.ones(2)
    gradients = [
        Bound(chosen, Bernoulli(), estimator).gradient(weights, images, drawn, beta)[1]  # type: ignore[arg-type]
        for chosen in (model, replace(model, precision="bfloat16"))
    ]
    exact, found = (torch.cat([g.flatten() for g in each.values()]) for each in gradients)
    assert all(g.dtype == torch.float32 for g in gradients[1].values())
    assert float((exact - found).norm() / exact.norm()) < 0.03


@MODEL
def test_on_a_cpu_tf32_is_float32(name: str) -> None:
    model, weights, images, _ = material(name)
    other = replace(model, precision="tf32")
    with products_of(other):
        assert torch.equal(model.encode(weights, images)[0], other.encode(weights, images)[0])


def test_a_gpu_may_use_tf32_where_the_model_says_so_and_nowhere_else() -> None:
    parts = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [part.allow_tf32 for part in parts]
    for precision, allowed in (("tf32", True), ("float32", False), ("bfloat16", False)):
        with products_of(DenseVAE(1, 8, 2, precision=precision)):  # type: ignore[arg-type]
            assert [part.allow_tf32 for part in parts] == [allowed] * 2
    with products_of(object()):
        assert [part.allow_tf32 for part in parts] == [False] * 2
    assert [part.allow_tf32 for part in parts] == before
